import { MemoryGauge } from './memory-gauge';

const shares = { trim: 0.7, refuseLow: 0.8, refuseAll: 0.9 };

function gaugeOf(limitBytes: number): MemoryGauge {
  const gauge = new MemoryGauge(shares);
  gauge.limitBytes = limitBytes;
  return gauge;
}

describe('MemoryGauge', () => {
  it.each([
    [699, 'ok'],
    [700, 'trim'],
    [800, 'refuse low'],
    [900, 'refuse all'],
    [2_000, 'refuse all'],
  ])('calls %d of 1,000 bytes "%s"', (bytes, fullness) => {
    const gauge = gaugeOf(1_000);
    gauge.set(bytes, 0);
    expect(gauge.fullness(0)).toBe(fullness);
  });

  it('is never full without a limit or a sample', () => {
    const unlimited = gaugeOf(0);
    unlimited.set(1e12, 0);
    expect([unlimited.fullness(0), gaugeOf(1_000).fullness(0)]).toEqual(['ok', 'ok']);
  });

  it('counts what was added since the sample, until the next one', () => {
    const gauge = gaugeOf(1_000);
    gauge.set(600, 0);
    gauge.add(350);
    expect(gauge.fullness(0)).toBe('refuse all');
    gauge.set(650, 1_000);
    expect(gauge.fullness(1_000)).toBe('ok');
  });

  it('expects others to go on as they did', () => {
    const gauge = gaugeOf(10_000);
    gauge.set(5_000, 0);
    gauge.set(7_000, 1_000);
    expect(gauge.bytes(1_500)).toBe(8_000);
    expect(gauge.fullness(2_000)).toBe('refuse all');
  });

  it('says when there will be room, from the pace at which bytes go', () => {
    const gauge = gaugeOf(10_000);
    gauge.set(9_500, 0);
    expect(gauge.retryAfterSeconds(0)).toBe(10);
    // 100 bytes a second, of which the smoothed pace takes a third.
    gauge.set(9_400, 1_000);
    expect(gauge.retryAfterSeconds(1_000)).toBe(47);
    for (let at = 2; at <= 20; at += 1) gauge.set(9_500 - at * 100, at * 1_000);
    expect(gauge.retryAfterSeconds(20_000)).toBe(1);
    gauge.set(1e9, 21_000);
    expect(gauge.retryAfterSeconds(21_000)).toBe(120);
  });
});
