import { EventLoopWatch } from './event-loop-watch.service';

describe('EventLoopWatch', () => {
  const after = (...longestMs: number[]) => {
    const watch = new EventLoopWatch();
    longestMs.forEach((ms) => watch.closeWindow(ms));
    return watch;
  };

  it('calls a fresh process alive', () => {
    expect(after().isWedged).toBe(false);
  });

  it('forgives one long standstill, such as a suspended process', () => {
    expect(after(20, 60_000, 20).isWedged).toBe(false);
    expect(after(60_000, 60_000).isWedged).toBe(false);
  });

  it('calls a process wedged that stands still again and again, and forgives it once that ends', () => {
    expect(after(20, 6_000, 7_000, 8_000).isWedged).toBe(true);
    expect(after(6_000, 7_000, 8_000, 20).isWedged).toBe(false);
  });

  it('reports the longest delay of the last windows only', () => {
    expect(after(9_000, 100, 300, 200).longestDelayMs).toBe(300);
  });

  it('leaves no timer behind', () => {
    const watch = new EventLoopWatch();
    watch.onModuleInit();
    watch.onModuleDestroy();
    expect(watch.isWedged).toBe(false);
  });
});
