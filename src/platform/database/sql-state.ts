import { isNativeError } from 'node:util/types';

/** Whether an error of pg, or of drizzle around it, has this code of five characters. */
export function hasSqlState(error: unknown, state: string): boolean {
  for (let current = error; isNativeError(current); current = current.cause) {
    if ((current as { code?: unknown }).code === state) return true;
  }
  return false;
}
