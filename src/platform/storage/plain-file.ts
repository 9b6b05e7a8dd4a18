import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

export interface PlainFile {
  readonly handle: FileHandle;
  readonly bytes: number;
  /** Its permissions. */
  readonly mode: number;
}

/** Something else than a plain file of ours lies under a name: a link, a pipe, a device, a folder. */
export class UnsafeFileError extends Error {
  constructor(what: string) {
    super(`What is stored under this name is ${what} and is not read.`);
    this.name = 'UnsafeFileError';
  }
}

/**
 * Opens a plain file for reading; undefined when there is none. A pipe does not make it wait, and a file that
 * has a second name somewhere is refused like a link: it may be anybody's. Throws {@link UnsafeFileError}.
 */
export async function openPlainFile(path: string): Promise<PlainFile | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP' || code === 'EMLINK') throw new UnsafeFileError('a link');
    if (code === 'ENXIO') throw new UnsafeFileError('a socket or a device');
    throw error;
  }
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new UnsafeFileError('no plain file');
    if (found.nlink > 1) throw new UnsafeFileError('a file with a second name');
    return { handle, bytes: found.size, mode: found.mode & 0o777 };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
