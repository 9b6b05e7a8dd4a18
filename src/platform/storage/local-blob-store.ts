import { lstat, mkdir, open, opendir, realpath, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BlobStore, FinishedFile, LocalDraft, LocalFile, OpenedFile } from './blob-store';
import { DurableFileWriter } from './durable-file-writer';
import { openPlainFile } from './plain-file';
import { isDiskFull, StorageFullError } from './storage-full.error';
import { isStorable, segmentsOf, StorageKeyError, type StoredFile } from './stored-file';

const PART_SUFFIX = '.part';
const FILE_MODE = 0o600;
// Kept free for the databases, which often share the disk.
const RESERVED_BYTES = 64 * 1024 * 1024;

/** Files on the disk of this machine, or on one that all machines share, below one folder. */
export class LocalBlobStore implements BlobStore {
  readonly kind = 'disk';
  private realRoot?: string;

  constructor(private readonly root: string) {}

  /**
   * Streams a file into the storage; it appears under its name once every byte is on the disk, or not at all.
   * Throws FileTooLargeError, {@link StorageFullError}, or the error of the source.
   */
  async write(file: StoredFile, source: Readable, maxBytes: number): Promise<{ bytes: number }> {
    const path = await this.prepare(file);
    const part = `${path}${PART_SUFFIX}`;
    try {
      const handle = await open(part, 'wx', FILE_MODE);
      const writer = new DurableFileWriter(handle, maxBytes);
      try {
        await pipeline(source, writer);
      } finally {
        await handle.close();
      }
      await rename(part, path);
      await syncDirectory(dirname(path));
      return { bytes: writer.bytes };
    } catch (error) {
      await rm(part, { force: true });
      throw isDiskFull(error) ? new StorageFullError({ cause: error }) : error;
    }
  }

  /** Flushes it and moves it to its place; from another disk it is copied. */
  async adopt(file: StoredFile, { path: from, handle, bytes, mode }: FinishedFile): Promise<void> {
    const path = await this.prepare(file);
    try {
      if (mode !== FILE_MODE) await handle.chmod(FILE_MODE);
      await handle.datasync();
      await rename(from, path);
    } catch (error) {
      if (isDiskFull(error)) throw new StorageFullError({ cause: error });
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
      await this.write(file, handle.createReadStream({ start: 0, autoClose: false }), bytes);
      await rm(from, { force: true });
      return;
    }
    await syncDirectory(dirname(path));
  }

  /** The file itself. */
  async localCopy(file: StoredFile): Promise<LocalFile> {
    return { path: await this.prepare(file), release: nothing };
  }

  /** The very place of the file: its writer gives it its name when it is whole. */
  async localDraft(file: StoredFile): Promise<LocalDraft> {
    return { path: await this.prepare(file), isInPlace: true, publish: nothing, release: nothing };
  }

  answers(): Promise<void> {
    return Promise.resolve();
  }

  /** An unfinished file is a file here. */
  giveUpUnfinished(): Promise<number> {
    return Promise.resolve(0);
  }

  /** The path of a file; its directory exists. */
  private async prepare(file: StoredFile): Promise<string> {
    const [purpose, tenant, name] = segmentsOf(file);
    const directory = join(this.root, purpose, tenant);
    const real = await this.realDirectory(directory);
    // A link that someone put in the way must not lead out of the root; the root itself may have been moved.
    if (this.realRoot === undefined || !real.startsWith(this.realRoot + sep)) {
      this.realRoot = await realpath(this.root);
      if (!real.startsWith(this.realRoot + sep)) throw new StorageKeyError();
    }
    return join(directory, name);
  }

  private async realDirectory(directory: string): Promise<string> {
    try {
      return await realpath(directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await mkdir(directory, { recursive: true, mode: 0o700 });
      return realpath(directory);
    }
  }

  /**
   * Opens a file for reading; undefined when there is none. The caller closes the handle.
   * Throws {@link UnsafeFileError} for whatever else lies there under its name.
   */
  async open(file: StoredFile): Promise<OpenedFile | undefined> {
    const found = await openPlainFile(await this.prepare(file));
    if (found === undefined) return undefined;
    const { handle, bytes } = found;
    return {
      bytes,
      // A handle that the stream closed would be gone for the next one.
      stream: (options = {}) => handle.createReadStream({ start: 0, ...options, autoClose: false }),
      close: () => handle.close(),
    };
  }

  /** Whether the file is there. */
  async has(file: StoredFile): Promise<boolean> {
    return (await modifiedAt(await this.prepare(file))) !== undefined;
  }

  /** Removes a file; one that is not there is no error. */
  async remove(file: StoredFile): Promise<void> {
    await rm(await this.prepare(file), { force: true });
  }

  /** Throws {@link StorageFullError} when the disk has no room for so many bytes more, a reserve included. */
  async assertRoomFor(bytes: number): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await statfs(this.root);
    if (bavail * bsize < bytes + RESERVED_BYTES) throw new StorageFullError();
  }

  /** The files of one purpose that nobody has touched for `ageMs`, unfinished ones included, one tenant after the other. */
  async *untouched(purpose: string, ageMs: number): AsyncGenerator<StoredFile> {
    const youngest = Date.now() - ageMs;
    for await (const tenant of namesIn(join(this.root, purpose))) {
      for await (const name of namesIn(join(this.root, purpose, tenant))) {
        // Names of ours have no other form; `remove` would refuse the rest.
        if (!isStorable({ purpose, tenant, name })) continue;
        const at = await modifiedAt(join(this.root, purpose, tenant, name));
        if (at !== undefined && at < youngest) yield { purpose, tenant, name };
      }
    }
  }
}

const nothing = () => Promise.resolve();

async function* namesIn(directory: string): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(directory)) yield entry.name;
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

async function modifiedAt(path: string): Promise<number | undefined> {
  try {
    const found = await lstat(path);
    return found.isFile() ? found.mtimeMs : undefined;
  } catch {
    return undefined;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
