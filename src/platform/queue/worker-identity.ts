import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** This process as job records name it: host and process id. */
export const workerName = `${hostname().slice(0, 80)}:${process.pid}`;

/** The version of Holdfast that this process runs. */
export const holdfastVersion = readVersion();

function readVersion(): string {
  try {
    const text = readFileSync(join(__dirname, '../../../package.json'), 'utf8');
    return String((JSON.parse(text) as { version?: unknown }).version);
  } catch {
    // Compiled to a place of its own, as by a test.
    return 'unknown';
  }
}
