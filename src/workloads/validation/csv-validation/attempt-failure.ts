import { isDatabaseAway } from '../../../platform/database/database-unavailable.error';
import { StorageAwayError } from '../../../platform/storage/storage-away.error';
import { isDiskFull } from '../../../platform/storage/storage-full.error';
import { UnreadableFileError } from '../../../integrations/csv/unreadable-file';

/** An attempt that may succeed when it is repeated; the message holds nothing of the file. */
export class AttemptFailedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AttemptFailedError';
  }
}

/**
 * What a run, its job and the logs may say of an error. PostgreSQL and parsers quote the value they refuse,
 * so only sentences of our own get through.
 */
export function describeFailure(error: unknown): string {
  if (error instanceof UnreadableFileError) return error.message;
  if (isDiskFull(error)) return 'There is no room left on the disk for the report of this run.';
  if (error instanceof StorageAwayError) return error.message;
  if (isDatabaseAway(error)) return 'The database went away during the validation.';
  return `The validation stopped unexpectedly (${nameOf(error)}).`;
}

/** The place in our code where an error began, without its message. */
export function originOfFailure(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const { stack = '', message } = error;
  // The message may have lines that look like those of a stack.
  return stack
    .slice(stack.indexOf(message) + message.length)
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 8)
    .map((line) => line.trim());
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    const { code } = current as NodeJS.ErrnoException;
    if (typeof code === 'string' && /^[A-Z0-9_]{3,40}$/.test(code)) return code;
  }
  return /^[A-Za-z]{1,60}$/.test(error.name) ? error.name : 'Error';
}
