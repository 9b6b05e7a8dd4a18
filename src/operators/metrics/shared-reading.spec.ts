import { SharedReading } from './shared-reading';

describe('SharedReading', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const terms = { minAgeMs: 5_000, deadlineMs: 800 };

  it('reads once for all who ask at the same time, and for those who ask soon after', async () => {
    let reads = 0;
    const shared = new SharedReading(async () => (reads += 1), terms);
    expect(await Promise.all([shared.read(), shared.read(), shared.read()])).toEqual([1, 1, 1]);
    jest.advanceTimersByTime(4_999);
    expect(await shared.read()).toBe(1);
    jest.advanceTimersByTime(1);
    expect(await shared.read()).toBe(2);
  });

  it('waits no longer than its deadline, asks nobody twice meanwhile, and keeps what comes late', async () => {
    let answer: (value: string) => void = () => undefined;
    const ask = jest.fn(() => new Promise<string>((resolve) => (answer = resolve)));
    const shared = new SharedReading(ask, terms);
    const first = shared.read();
    await jest.advanceTimersByTimeAsync(800);
    expect(await first).toBeUndefined();
    const second = shared.read();
    answer('late');
    expect(await second).toBe('late');
    expect(await shared.read()).toBe('late');
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('tells nothing from memory when reading fails, and tries again for the next who asks', async () => {
    const ask = jest.fn().mockResolvedValueOnce('before').mockRejectedValueOnce(new Error('away'));
    const shared = new SharedReading<string>(ask.mockResolvedValue('after'), terms);
    expect(await shared.read()).toBe('before');
    jest.advanceTimersByTime(5_000);
    expect(await shared.read()).toBeUndefined();
    expect(await shared.read()).toBe('after');
  });
});
