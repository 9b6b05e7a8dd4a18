import { UnreadableFileError, type UnreadableFileCode } from '../../../integrations/csv/unreadable-file';
import { DatabaseUnavailableError } from '../../../platform/database/database-unavailable.error';
import type { ValidationPassProgress, ValidationPassResult } from './validation-pass-contract';
import { StaleAttemptError, ValidationStoreError, withoutValues } from './validation-pass-store';

/** An error on its way between two threads, which keeps neither class nor fields by itself. */
export interface Failure {
  kind: 'unreadable' | 'stale' | 'database' | 'refused' | 'file' | 'other';
  message: string;
  code: string;
  stack: string;
}

export type WorkerMessage =
  | { type: 'alive' }
  | { type: 'report' }
  | { type: 'progress'; progress: ValidationPassProgress }
  | { type: 'completed'; result: ValidationPassResult }
  | { type: 'failed'; failure: Failure };

/** Takes an error apart in the thread; what PostgreSQL says is left out, because it may quote a value. */
export function toFailure(thrown: unknown): Failure {
  const error = withoutValues(thrown);
  const { message, code, stack } = error as NodeJS.ErrnoException;
  return { kind: kindOf(error), message, code: code ?? '', stack: stack ?? '' };
}

/** The error as it was thrown in the thread. */
export function fromWorker({ kind, message, code, stack }: Failure): Error {
  const error = revive(kind, message, code);
  // Where it happened is in the thread; the message of the stack is the same.
  error.stack = stack;
  return error;
}

function kindOf(error: unknown): Failure['kind'] {
  if (error instanceof UnreadableFileError) return 'unreadable';
  if (error instanceof StaleAttemptError) return 'stale';
  if (error instanceof DatabaseUnavailableError) return 'database';
  if (error instanceof ValidationStoreError) return 'refused';
  return (error as NodeJS.ErrnoException).syscall === undefined ? 'other' : 'file';
}

function revive(kind: Failure['kind'], message: string, code: string): Error {
  switch (kind) {
    case 'unreadable':
      return new UnreadableFileError(code as UnreadableFileCode, message);
    case 'stale':
      return new StaleAttemptError();
    case 'database':
      return new DatabaseUnavailableError(message);
    case 'refused':
      return new ValidationStoreError(code);
    case 'file':
      return Object.assign(new Error(`A file of the validation could not be read or written (${code}).`), {
        code,
      });
    default:
      return new Error(message);
  }
}
