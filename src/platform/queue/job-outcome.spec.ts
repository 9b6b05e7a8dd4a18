import { UnrecoverableError } from 'bullmq';
import { boundedError, boundedResult, ResultTooLargeError } from './job-outcome';

describe('what a handler throws', () => {
  it.each([undefined, null, 'text', 7, {}])('becomes an Error when it is %p', (thrown) => {
    expect(boundedError(thrown)).toBeInstanceOf(Error);
  });

  it('keeps its class, with a message and a stack of bearable length', () => {
    const error = boundedError(new UnrecoverableError('x'.repeat(5_000_000)));
    expect(error).toBeInstanceOf(UnrecoverableError);
    expect(error.message).toHaveLength(2_000);
    expect((error.stack ?? '').length).toBeLessThan(10_000);
  });

  it('has a message in any case', () => {
    expect(boundedError(new RangeError('')).message).toBe('RangeError');
  });
});

describe('what a handler returns', () => {
  it('stays as it is when it is small JSON', () => {
    expect(boundedResult({ rows: 7 })).toEqual({ rows: 7 });
    expect(boundedResult(undefined)).toBeNull();
  });

  it('is refused for good when it is large, or no JSON', () => {
    expect(() => boundedResult('x'.repeat(40_000))).toThrow(ResultTooLargeError);
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(() => boundedResult(circle)).toThrow(UnrecoverableError);
    expect(() => boundedResult(10n)).toThrow(UnrecoverableError);
  });
});
