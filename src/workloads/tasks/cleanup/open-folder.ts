import { constants, type Stats } from 'node:fs';
import { lstat, open, opendir, readlink, rmdir, unlink, type FileHandle } from 'node:fs/promises';

const FOLDER_ITSELF = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Something else than a folder lies under a name: a link, a file. */
export class NoFolderError extends Error {
  constructor(name: string) {
    super(`"${name.slice(0, 200)}" is a link or no folder.`);
    this.name = 'NoFolderError';
  }
}

/**
 * A folder held by its descriptor, and what lies directly in it. `/proc/self/fd/<n>/<name>` is to Linux what the *at
 * calls are, which Node lacks: the kernel goes from the open folder to the one name, however the path to the folder is
 * changed meanwhile, so that a folder swapped for a link between look and unlink leads nowhere.
 * `name` must be one that lies in the folder, never a path.
 */
export class OpenFolder {
  private constructor(
    private readonly handle: FileHandle,
    readonly device: number,
    readonly modifiedMs: number,
  ) {}

  /** Undefined where nothing lies. Throws {@link NoFolderError} for a link; links on the way to it are followed. */
  static async at(path: string): Promise<OpenFolder | undefined> {
    try {
      const handle = await open(path, FOLDER_ITSELF);
      try {
        const { dev, mtimeMs } = await handle.stat();
        return new OpenFolder(handle, dev, mtimeMs);
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      if (code === 'ENOTDIR' || code === 'ELOOP') throw new NoFolderError(path);
      throw error;
    }
  }

  /** A folder in this one, never through a link; otherwise as {@link OpenFolder.at}. */
  child(name: string): Promise<OpenFolder | undefined> {
    return OpenFolder.at(this.place(name));
  }

  async *names(): AsyncGenerator<string> {
    for await (const { name } of await opendir(this.place())) yield name;
  }

  /** What lies under the name, a link itself included; undefined for nothing. */
  async look(name: string): Promise<Stats | undefined> {
    try {
      return await lstat(this.place(name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Removes one name of this folder; of a link the link. */
  removeFile(name: string): Promise<void> {
    return unlink(this.place(name));
  }

  /** Removes an empty folder. */
  removeFolder(name: string): Promise<void> {
    return rmdir(this.place(name));
  }

  /** Where the folder is now, without links. */
  path(): Promise<string> {
    return readlink(this.place());
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  private place(name?: string): string {
    const folder = `/proc/self/fd/${this.handle.fd}`;
    return name === undefined ? folder : `${folder}/${name}`;
  }
}
