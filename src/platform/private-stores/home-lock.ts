import { closeSync, openSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PrivateStoreError } from './private-store-error';
import { identityOf, isAlive } from './process-identity';
import type { ProcessIdentity } from './process-identity';
import { readState } from './saved-state';

// Longer than the longest start of both stores, so that a waiting process sees the first one's success or failure.
const lockDeadlineMs = 200_000;
// A lock file gets its content in the same breath; one that is empty for longer was left by a process killed there.
const unwrittenMs = 5_000;

function create(path: string): boolean {
  try {
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, JSON.stringify(identityOf(process.pid)));
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isOlderThan(path: string, ageMs: number): boolean {
  try {
    return Date.now() - statSync(path).mtimeMs > ageMs;
  } catch {
    return false;
  }
}

function ownerOf(path: string): ProcessIdentity | undefined {
  return readState<ProcessIdentity>(path, ['pid', 'beganAt']);
}

function isAbandoned(path: string): boolean {
  const owner = ownerOf(path);
  return owner === undefined ? isOlderThan(path, unwrittenMs) : !isAlive(owner);
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Only the holder of the second lock removes an abandoned first one, so that nobody removes a fresh one by mistake. */
function breakAbandoned(path: string): void {
  const breaker = `${path}.break`;
  if (isOlderThan(breaker, unwrittenMs)) remove(breaker);
  if (!isAbandoned(path) || !create(breaker)) return;
  try {
    if (isAbandoned(path)) remove(path);
  } finally {
    remove(breaker);
  }
}

/**
 * Runs a task while no other process, and no other caller in this one, does so on the same home. A lock whose owner
 * has died is taken over; after 200 s of waiting it throws and names the owner.
 */
export async function withHomeLock<T>(home: string, task: () => Promise<T>): Promise<T> {
  const path = join(home, 'private-stores.lock');
  const deadline = Date.now() + lockDeadlineMs;
  while (!create(path)) {
    breakAbandoned(path);
    if (Date.now() > deadline) {
      const owner = ownerOf(path)?.pid ?? 'unknown';
      throw new PrivateStoreError(
        `Process ${owner} has kept ${path} for more than ${lockDeadlineMs / 1000} s: stop that process and start again.`,
      );
    }
    await pause(20);
  }
  try {
    return await task();
  } finally {
    remove(path);
  }
}
