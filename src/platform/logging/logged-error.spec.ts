import { DrizzleQueryError } from 'drizzle-orm/errors';
import pino, { stdSerializers } from 'pino';
import { loggedError } from './logged-error';

function logged(error: Error): string {
  const lines: string[] = [];
  const logger = pino({ serializers: { err: loggedError } }, { write: (line: string) => lines.push(line) });
  logger.error({ msg: 'It failed', err: error });
  return lines.join('');
}

describe('what the log keeps of an error', () => {
  it('holds nothing of what a query was given, nor of the values that PostgreSQL quotes', () => {
    const refusal = Object.assign(new Error('invalid input syntax for type integer: "s3cret"'), {
      code: '22P02',
      severity: 'ERROR',
      detail: 'Key (name)=(s3cret) already exists.',
    });
    const line = logged(new DrizzleQueryError('insert into "runs" values ($1)', ['s3cret'], refusal));
    expect(line).not.toContain('s3cret');
    expect(JSON.parse(line)).toMatchObject({
      err: {
        type: 'DrizzleQueryError',
        message: 'Failed query: insert into "runs" values ($1)',
        code: '22P02',
      },
    });
  });

  it('names the places in the code, those of the cause included', () => {
    const line = logged(new Error('It broke.', { cause: new Error('A wheel came off.') }));
    const { err } = JSON.parse(line) as { err: { message: string; stack: string[] } };
    expect(err.message).toBe('It broke.: A wheel came off.');
    expect(err.stack[0]).toContain('logged-error.spec.ts');
  });

  it('is short, however long the error is', () => {
    const error = new Error('x'.repeat(100_000));
    error.stack = `Error: x\n${'    at somewhere (file.js:1:1)\n'.repeat(10_000)}`;
    expect(logged(Object.assign(error, { extra: 'y'.repeat(100_000) })).length).toBeLessThan(3_000);
  });

  it('is the same for an error that pino-http has serialised before', () => {
    const serialised = stdSerializers.wrapErrorSerializer((error) => loggedError(error) as object);
    const error = Object.assign(new Error('It broke.'), { extra: 'y' });
    expect(serialised(error)).toEqual(loggedError(error));
  });

  it('takes what is no error, too', () => {
    expect(loggedError('only text')).toBe('only text');
    expect(loggedError(undefined)).toBeUndefined();
  });
});
