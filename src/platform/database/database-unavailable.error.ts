import { isNativeError } from 'node:util/types';

/** The database is away or not migrated yet; the caller may try again. */
export class DatabaseUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DatabaseUnavailableError';
  }
}

// Class 08 is connection trouble, 57P0x a server that stops or starts, 53300 too many clients, 53100 a full disk;
// class 28 and 3D000 a user or a database that is not let in (any more), 25006 a replica, 57014 a statement out of time.
const away = /^(08\w{3}|28\w{3}|3D000|25006|57014|57P0\d|53\d{3})$/;
const lostConnection =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error/;
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);

/** Whether an error of pg or drizzle means that the database is away, rather than a fault of the query. */
export function isDatabaseAway(error: unknown): boolean {
  for (let current = error; isNativeError(current); current = current.cause) {
    if (current instanceof DatabaseUnavailableError) return true;
    const { code = '', syscall } = current as NodeJS.ErrnoException;
    if (away.test(code) || lostConnection.test(current.message)) return true;
    if (networkCodes.has(code) && syscall === 'connect') return true;
  }
  return false;
}
