import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { endWhenTooSlow } from './slow-body';

class FakeSocket extends EventEmitter {
  bytesRead = 0;
  writable = true;
  destroyed = false;
  written = '';
  write(text: string) {
    this.written += text;
  }
  destroySoon() {
    this.destroyed = true;
  }
}

class FakeRequest extends EventEmitter {
  headers: Record<string, string> = { 'transfer-encoding': 'chunked' };
  socket = new FakeSocket();
  complete = false;
  destroyed = false;
  readableLength = 0;
  destroy() {
    this.destroyed = true;
    this.emit('close');
  }
}

describe('a body that arrives', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const watched = (change: Partial<FakeRequest> = {}, hasAnswered = false) => {
    const request = Object.assign(new FakeRequest(), change);
    endWhenTooSlow(request as unknown as IncomingMessage, () => hasAnswered);
    return request;
  };

  it('too slowly is answered with 408 and ended', () => {
    const request = watched();
    jest.advanceTimersByTime(16_000);
    expect(request.destroyed).toBe(true);
    expect(request.socket.written).toMatch(/^HTTP\/1\.1 408 .*"code":"request_timeout"/s);
  });

  it('too slowly after an answer is only ended', () => {
    const request = watched({}, true);
    jest.advanceTimersByTime(16_000);
    expect([request.destroyed, request.socket.written]).toEqual([true, '']);
  });

  it('steadily may take as long as it likes', () => {
    const request = watched();
    for (let second = 0; second < 36_000; second += 1) {
      request.socket.bytesRead += 2_000;
      jest.advanceTimersByTime(1_000);
    }
    expect(request.destroyed).toBe(false);
  });

  it('is left alone while it waits for this server', () => {
    const request = watched({ readableLength: 65_536 });
    jest.advanceTimersByTime(600_000);
    expect(request.destroyed).toBe(false);
  });

  it('is not watched any more once it has ended, nor when there is none', () => {
    const ended = watched();
    ended.emit('end');
    const none = watched({ headers: { 'content-length': '0' } });
    jest.advanceTimersByTime(60_000);
    expect([ended.destroyed, none.destroyed]).toEqual([false, false]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
