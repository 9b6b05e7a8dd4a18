import { Logger } from '@nestjs/common';
import { logStrayRejections } from './stray-rejections';

describe('rejections that nobody listens to', () => {
  const lines: object[] = [];
  let stop: () => void;

  beforeEach(() => {
    lines.length = 0;
    const note = (line: object) => void lines.push(line);
    Logger.overrideLogger({ error: note, warn: note, log: note });
    stop = logStrayRejections();
  });
  afterEach(() => {
    stop();
    Logger.overrideLogger(false);
  });

  const reject = (reason: unknown) => process.emit('unhandledRejection', reason, Promise.resolve());

  it('are logged, a flood of them in one line', () => {
    for (let at = 0; at < 1_000; at += 1) reject(new Error(`no ${at}`));
    expect(lines).toMatchObject([{ err: { message: 'no 0' }, unlogged: 0 }]);
  });

  it('are logged whatever they are, and never at length', () => {
    reject('x'.repeat(5_000));
    expect(lines).toMatchObject([{ err: 'x'.repeat(300) }]);
  });

  it('are left to Node once the server has stopped', () => {
    stop();
    expect(process.listeners('unhandledRejection')).toEqual([]);
  });
});
