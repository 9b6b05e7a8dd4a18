import { closeSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { SetupError } from './setup-error.mjs';

// Longer than a cold npm ci and a build on a slow machine.
const deadlineMs = 15 * 60_000;
// The content follows the creation at once; an empty lock that is older was left by a process killed in between.
const unwrittenMs = 5_000;

function create(path) {
  try {
    const file = openSync(path, 'wx');
    writeSync(file, JSON.stringify({ pid: process.pid, beganAt: beganAt(process.pid) }));
    closeSync(file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    if (error.code !== 'EACCES' && error.code !== 'EROFS') throw error;
    throw new SetupError(
      `This user cannot write ${path}: make a clone of your own, or change the owner of this one.`,
    );
  }
}

// proc(5), field 22: tells a re-used process id from the old one; undefined when there is no such process.
function beganAt(pid) {
  if (process.platform === 'linux') {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
      return fields[0] === 'Z' ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  try {
    process.kill(pid, 0);
    return '';
  } catch (error) {
    return error.code === 'EPERM' ? '' : undefined;
  }
}

function isOlderThan(path, ageMs) {
  try {
    return Date.now() - statSync(path).mtimeMs > ageMs;
  } catch {
    return false;
  }
}

function ownerOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function isAbandoned(path) {
  const owner = ownerOf(path);
  return owner === undefined ? isOlderThan(path, unwrittenMs) : beganAt(owner.pid) !== owner.beganAt;
}

function remove(path) {
  try {
    unlinkSync(path);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

// Only the holder of the second lock removes an abandoned first one, so that nobody removes a fresh one by mistake.
function breakAbandoned(path) {
  const breaker = `${path}.break`;
  if (isOlderThan(breaker, unwrittenMs)) remove(breaker);
  if (!isAbandoned(path) || !create(breaker)) return;
  if (isAbandoned(path)) remove(path);
  remove(breaker);
}

/** Runs one set-up of this clone at a time; the lock of a process that died is taken over. */
export async function withSetupLock(path, say, task) {
  const deadline = Date.now() + deadlineMs;
  let hasSaid = false;
  while (!create(path)) {
    breakAbandoned(path);
    const pid = ownerOf(path)?.pid;
    if (!hasSaid && pid !== undefined) say(`Waiting for the set-up that process ${pid} does in this clone.`);
    hasSaid ||= pid !== undefined;
    if (Date.now() > deadline)
      throw new SetupError(`Process ${pid} has kept ${path} for 15 minutes: stop it and run this again.`);
    await pause(100);
  }
  try {
    return await task();
  } finally {
    remove(path);
  }
}
