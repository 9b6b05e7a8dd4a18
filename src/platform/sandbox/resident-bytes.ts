import { readFileSync } from 'node:fs';

const PAGE_BYTES = 4_096;

/** The memory that a process really has, where the system tells: on Linux. Undefined elsewhere, and for one that is gone. */
export function residentBytes(pid: number): number | undefined {
  try {
    // No disk is asked, and no lock: 20 µs, a tenth of what a thread for it takes.
    const [, resident] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
    return Number(resident) * PAGE_BYTES;
  } catch {
    return undefined;
  }
}
