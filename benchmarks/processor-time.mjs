// Processor time as the system counts it, in steps of 10 ms: for runs of seconds, on machines that others use as well.
import { readdirSync, readFileSync } from 'node:fs';

const TICK_MICROS = 10_000;

/** The fields of /proc/<pid>/stat behind the name, which may hold anything; undefined once the process is gone. */
function statOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
  } catch {
    return undefined;
  }
}

/** Of the process and its threads, in microseconds. */
export function processorMicros(pid) {
  const [utime = 0, stime = 0] = statOf(pid)?.slice(11, 13).map(Number) ?? [];
  return (utime + stime) * TICK_MICROS;
}

/** Of the parent of a process, of all its children, and of those that have ended. */
export function familyMicros(childPid) {
  const pid = statOf(childPid)?.[1];
  const [utime = 0, stime = 0, endedUser = 0, endedSystem = 0] = statOf(pid)?.slice(11, 15).map(Number) ?? [];
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && statOf(name)?.[1] === pid);
  const running = children.reduce((sum, child) => sum + processorMicros(child), 0);
  return (utime + stime + endedUser + endedSystem) * TICK_MICROS + running;
}
