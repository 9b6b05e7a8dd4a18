import { readFile } from 'node:fs/promises';

const PAGE_BYTES = 4_096;

/** The memory that a process really has, where the system tells: on Linux. Undefined elsewhere, and for one that is gone. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  try {
    const [, resident] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ');
    return Number(resident) * PAGE_BYTES;
  } catch {
    return undefined;
  }
}
