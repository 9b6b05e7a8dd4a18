import { UnrecoverableError } from 'bullmq';
import { isNativeError } from 'node:util/types';
import { secretsInContext } from '../logging/correlation';
import { redacted, withoutOpenSecrets } from '../logging/redact';

const MAX_MESSAGE_CHARACTERS = 2_000;
const MAX_NAME_CHARACTERS = 100;
const MAX_STACK_LINES = 10;
const MAX_STACK_LINE_CHARACTERS = 300;
const MAX_SHOWN_CHARACTERS = 200;
export const MAX_RESULT_BYTES = 32_768;

/** A job's result is too large to be kept: in Redis, where BullMQ copies it into the event stream as well, or at all. */
export class ResultTooLargeError extends UnrecoverableError {
  constructor(bytes: number, maxBytes = MAX_RESULT_BYTES) {
    super(`The result is ${bytes} bytes; at most ${maxBytes} are kept. Store it and return a reference.`);
    this.name = 'ResultTooLargeError';
  }
}

/** A job's work can never succeed, so that no further attempt is made. */
export class HopelessJobError extends UnrecoverableError {}

/**
 * An Error in any case, with a name, at most 2,000 characters of message and 10 lines of stack:
 * BullMQ leaves a job whose handler throws undefined active until it stalls, and stores texts of any length.
 * Extra properties stay behind, a cause is told in the message; neither shows a secret. Never throws, whatever it is given.
 */
export function boundedError(thrown: unknown): Error {
  if (!isNativeError(thrown)) {
    return new Error(redacted(`The handler threw ${shown(thrown)} instead of an Error.`));
  }
  const name = textOf(() => thrown.name, 'Error').slice(0, MAX_NAME_CHARACTERS);
  const given = textOf(() => thrown.message, '');
  const message = redacted(withCause(given === '' ? name : given, thrown).slice(0, MAX_MESSAGE_CHARACTERS));
  const stack = [`${name}: ${message}`, redacted(stackLines(thrown, given).join('\n'))].join('\n');
  try {
    // The class has to stay: BullMQ and the breaker of retries tell by it.
    for (const [key, value] of Object.entries({ name, message, stack })) {
      Object.defineProperty(thrown, key, { value, configurable: true, writable: true });
    }
    return thrown;
  } catch {
    // Frozen.
    const copy = thrown instanceof UnrecoverableError ? new UnrecoverableError(message) : new Error(message);
    return Object.assign(copy, { name, stack });
  }
}

/** The same error as one that BullMQ does not retry. */
export function finalError(error: Error): UnrecoverableError {
  const { name, message, stack = '' } = boundedError(error);
  return Object.assign(new UnrecoverableError(message), { name, stack });
}

/** The result itself, once it is known to be JSON of bearable size. Throws {@link ResultTooLargeError}. */
export function boundedResult(result: unknown): unknown {
  if (result === undefined || result === null) return null;
  if (typeof result === 'boolean' || typeof result === 'number') return result;
  let json: string | undefined;
  try {
    json = JSON.stringify(result);
  } catch (error) {
    throw new UnrecoverableError(`The result is not JSON: ${String(error).slice(0, MAX_SHOWN_CHARACTERS)}`);
  }
  // Functions and symbols are no JSON at all.
  if (json === undefined) return null;
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_RESULT_BYTES) throw new ResultTooLargeError(bytes);
  if (secretsInContext().length === 0) return result;
  const clean = withoutOpenSecrets(json);
  return clean === json ? result : JSON.parse(clean);
}

function shown(thrown: unknown): string {
  switch (typeof thrown) {
    case 'string':
      return `the text ${JSON.stringify(thrown.slice(0, MAX_SHOWN_CHARACTERS))}`;
    case 'object':
      return thrown === null
        ? 'null'
        : `an object (${textOf(() => JSON.stringify(thrown), 'not JSON').slice(0, MAX_SHOWN_CHARACTERS)})`;
    case 'undefined':
      return 'undefined';
    default:
      return `a ${typeof thrown}`;
  }
}

function withCause(message: string, error: Error): string {
  const cause = ((): unknown => {
    try {
      return error.cause;
    } catch {
      return undefined;
    }
  })();
  if (!isNativeError(cause)) return message;
  const told = textOf(() => cause.message, '').slice(0, MAX_SHOWN_CHARACTERS);
  return told === '' || message.includes(told)
    ? message
    : `${message.slice(0, MAX_MESSAGE_CHARACTERS / 2)} (${told})`;
}

function stackLines(error: Error, message: string): string[] {
  const stack = textOf(() => error.stack, '');
  const at = message === '' ? -1 : stack.indexOf(message);
  // The message may have lines that look like those of a stack.
  const places = (at < 0 ? stack : stack.slice(at + message.length))
    .slice(0, MAX_STACK_CHARACTERS)
    .split('\n')
    .filter((line) => /^\s+at /.test(line));
  return places.slice(0, MAX_STACK_LINES - 1).map((line) => line.slice(0, MAX_STACK_LINE_CHARACTERS));
}

// Far more than ten lines of places take.
const MAX_STACK_CHARACTERS = 20_000;

/** What a property says, where reading it may fail or say anything. */
function textOf(read: () => unknown, otherwise: string): string {
  try {
    const value = read();
    return typeof value === 'string' ? value : otherwise;
  } catch {
    return otherwise;
  }
}
