import { ReportBudget } from './report-budget';

describe('how many reports go out', () => {
  let now = 0;
  const budget = () => new ReportBudget(() => now);
  beforeEach(() => (now = 0));

  it('lets as many of one fingerprint through as its kind may have, and others beside it', () => {
    const own = budget();
    expect([1, 2, 3].map(() => own.take('a', 2))).toEqual([true, true, false]);
    expect(own.take('b', 1)).toBe(true);
    expect(own.takeHeldBack()).toBe(1);
    expect(own.takeHeldBack()).toBe(0);
  });

  it('lets 60 through in a minute, whatever they are, and begins anew with the next', () => {
    const own = budget();
    const passed = () => Array.from({ length: 100 }, (_, at) => own.take(`f${at}`, 10)).filter(Boolean);
    expect(passed()).toHaveLength(60);
    now = 59_999;
    expect(own.take('late', 10)).toBe(false);
    now = 60_000;
    expect(passed()).toHaveLength(60);
  });
});
