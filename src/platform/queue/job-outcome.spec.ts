import { UnrecoverableError } from 'bullmq';
import { boundedError, boundedResult, finalError, ResultTooLargeError } from './job-outcome';

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

  it('loses its extra properties, and tells of its cause in its message', () => {
    const cause = new TypeError('the socket hung up');
    const error = boundedError(
      Object.assign(new Error('no answer', { cause }), { payload: 'x'.repeat(5_000) }),
    );
    expect(error.message).toBe('no answer (the socket hung up)');
    expect(error.stack).toMatch(/^Error: no answer \(the socket hung up\)\n\s+at /);
  });

  it('is told by its place alone, even when its message looks like places', () => {
    const error = boundedError(new Error(`no\n    at a (secret)\n${'    at b (secret)\n'.repeat(50)}`));
    expect(error.stack?.split('\n').filter((line) => line.includes('job-outcome.spec'))).not.toHaveLength(0);
  });

  it.each([
    ['that is frozen', () => Object.freeze(new RangeError('x'.repeat(5_000)))],
    ['whose message throws', () => withGetter('message')],
    ['whose stack and name throw', () => withGetter('name', withGetter('stack'))],
    ['whose cause is itself', () => withItself()],
    ['whose message is no text', () => Object.assign(new Error('x'), { message: { toString: () => 'y' } })],
  ])('is an Error with a message and a stack when it is an error %s', (_what, make) => {
    const error = boundedError(make());
    expect(error).toBeInstanceOf(Error);
    expect(error.message.length).toBeGreaterThan(0);
    expect(error.message.length).toBeLessThanOrEqual(2_000);
    expect(typeof error.stack).toBe('string');
  });

  it('becomes final under its own name', () => {
    const error = finalError(new RangeError('out'));
    expect(error).toBeInstanceOf(UnrecoverableError);
    expect(error).toMatchObject({ name: 'RangeError', message: 'out' });
    expect(error.stack).toMatch(/^RangeError: out\n/);
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

function withGetter(name: string, error = new Error('x')): Error {
  return Object.defineProperty(error, name, {
    get: () => {
      throw new Error('out of reach');
    },
  });
}

function withItself(): Error {
  const error = new Error('x');
  error.cause = error;
  return error;
}
