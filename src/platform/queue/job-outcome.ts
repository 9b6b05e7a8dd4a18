import { UnrecoverableError } from 'bullmq';
import { isNativeError } from 'node:util/types';

const MAX_MESSAGE_CHARACTERS = 2_000;
const MAX_STACK_LINES = 10;
const MAX_RESULT_BYTES = 32_768;

/** A job's result is too large to be kept in Redis, where BullMQ copies it into the event stream as well. */
export class ResultTooLargeError extends UnrecoverableError {
  constructor(bytes: number) {
    super(
      `The result is ${bytes} bytes; at most ${MAX_RESULT_BYTES} are kept. Store it and return a reference.`,
    );
    this.name = 'ResultTooLargeError';
  }
}

/** A job's work can never succeed, so that no further attempt is made. */
export class HopelessJobError extends UnrecoverableError {}

/**
 * An Error in any case, with at most 2,000 characters of message and 10 lines of stack:
 * BullMQ leaves a job whose handler throws undefined active until it stalls, and stores texts of any length.
 */
export function boundedError(thrown: unknown): Error {
  if (!isNativeError(thrown)) {
    return new Error(
      `The handler threw ${thrown === undefined ? 'undefined' : typeof thrown} instead of an Error.`,
    );
  }
  const { message } = thrown;
  thrown.message = (message === '' ? thrown.name : message).slice(0, MAX_MESSAGE_CHARACTERS);
  thrown.stack = (thrown.stack ?? '')
    .replace(message, thrown.message)
    .split('\n')
    .slice(0, MAX_STACK_LINES)
    .join('\n');
  return thrown;
}

/** The result itself, once it is known to be JSON of bearable size. Throws {@link ResultTooLargeError}. */
export function boundedResult(result: unknown): unknown {
  if (result === undefined || result === null) return null;
  let json: string | undefined;
  try {
    json = JSON.stringify(result);
  } catch (error) {
    throw new UnrecoverableError(`The result is not JSON: ${(error as Error).message.slice(0, 200)}`);
  }
  const bytes = Buffer.byteLength(json ?? '');
  if (bytes > MAX_RESULT_BYTES) throw new ResultTooLargeError(bytes);
  return result;
}
