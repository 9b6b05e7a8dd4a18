import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Writes a small JSON file readable by its owner alone; a reader sees the old content or the new, never half. */
export function saveState(path: string, state: object): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, JSON.stringify(state), { mode: 0o600 });
  renameSync(draft, path);
}

/** Reads what saveState wrote; undefined when it is missing or damaged, or when a named field is not there. */
export function readState<T extends object>(path: string, fields: (keyof T & string)[]): T | undefined {
  try {
    const state = JSON.parse(readFileSync(path, 'utf8')) as T;
    return fields.every((field) => state[field] !== undefined) ? state : undefined;
  } catch {
    return undefined;
  }
}
