import { isNativeError } from 'node:util/types';

/** Whether an error of pg, or of drizzle around it, says that this constraint or unique index would not hold. */
export function violates(error: unknown, constraint: string): boolean {
  for (let current = error; isNativeError(current); current = current.cause) {
    if ((current as { constraint?: unknown }).constraint === constraint) return true;
  }
  return false;
}
