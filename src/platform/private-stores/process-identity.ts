import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** A process id together with the moment it began, so that a re-used id is never taken for the old process. */
export interface ProcessIdentity {
  pid: number;
  /** Empty where the system does not tell. */
  beganAt: string;
}

const isLinux = process.platform === 'linux';

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const bootId = isLinux ? readText('/proc/sys/kernel/random/boot_id').trim() : '';

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user is alive, too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Identifies a living process; undefined when there is none, or when only its unreaped remains are left. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (!isLinux) return answersSignals(pid) ? { pid, beganAt: '' } : undefined;
  // proc(5): the name in brackets may hold spaces; after it come the state (field 3) and the start time (field 22).
  const fields = readText(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  const [state, beganAt] = [fields[0], fields[19]];
  if (beganAt === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, beganAt: `${bootId}:${beganAt}` };
}

/** True while exactly this process lives. */
export function isAlive(identity: ProcessIdentity | undefined): boolean {
  if (identity === undefined) return false;
  const now = identityOf(identity.pid);
  return now !== undefined && now.beganAt === identity.beganAt;
}

/** The name of a process's program, at most 15 characters; empty when there is none or the system does not tell. */
export function nameOf(pid: number): string {
  return readText(`/proc/${pid}/comm`).trim();
}

function worksIn(pid: number, directory: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === directory;
  } catch {
    // Without CAP_SYS_PTRACE (containers) root may not read where another user's process works.
    return readText(`/proc/${pid}/cmdline`).split('\0').includes(directory);
  }
}

/**
 * Finds the living processes whose program name matches and whose working directory is exactly this one: how both
 * stores can be recognised as ours without a file of theirs. Elsewhere than on Linux it trusts the given pid.
 */
export function processesIn(directory: string, name: RegExp, fallbackPid: number): ProcessIdentity[] {
  const pids = isLinux
    ? readdirSync('/proc')
        .map(Number)
        .filter((pid) => pid > 0 && name.test(nameOf(pid)) && worksIn(pid, directory))
    : [fallbackPid];
  return pids.map(identityOf).filter((identity) => identity !== undefined);
}
