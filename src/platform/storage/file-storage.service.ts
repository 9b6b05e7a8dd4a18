import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Settings } from '../../config/settings';
import type { BlobStore, FinishedFile, LocalDraft, LocalFile, OpenedFile } from './blob-store';
import { LocalBlobStore } from './local-blob-store';
import { S3BlobStore } from './s3-blob-store';
import { Scratch } from './scratch';
import type { StoredFile } from './stored-file';

const FILES_PER_LOOKUP = 200;
const MAX_REFUSALS_KEPT = 20;

/** Which of some files nobody knows; at most 200 are asked about at once. */
export type OrphansOf = (files: readonly StoredFile[]) => Promise<readonly StoredFile[]>;

/**
 * Files that jobs read and write, under names that only the server chooses: below `HOLDFAST_HOME/storage`, or in the
 * bucket of STORAGE_URL.
 */
@Injectable()
export class FileStorage implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Storage');
  private readonly scratch: Scratch;
  private readonly store: BlobStore;
  private readonly refusals = new Set<string>();

  constructor(settings: Settings) {
    this.scratch = new Scratch(join(settings.home, 'scratch'));
    const { bucket } = settings;
    this.store =
      bucket === undefined
        ? new LocalBlobStore(join(settings.home, 'storage'))
        : new S3BlobStore(bucket, this.scratch);
  }

  get kind(): BlobStore['kind'] {
    return this.store.kind;
  }

  /** A store that is away stops no start: whatever needs no files goes on without it. */
  async onApplicationBootstrap(): Promise<void> {
    if (!(this.store instanceof S3BlobStore)) return;
    await this.store.load();
    await this.scratch.sweep();
    await this.store.assertWritable().catch((error: unknown) => this.logger.error(String(error)));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.scratch.close();
    if (this.store instanceof S3BlobStore) this.store.close();
  }

  /**
   * Streams a file into the storage; it appears under its name once every byte is safe, or not at all.
   * Throws FileTooLargeError, StorageFullError, StorageAwayError, or the error of the source.
   */
  write(file: StoredFile, source: Readable, maxBytes: number): Promise<{ bytes: number }> {
    return this.store.write(file, source, maxBytes);
  }

  /**
   * Takes over a finished file of this machine, without copying it where it lies on the disk of the storage; it appears
   * under its name once every byte is safe, and is gone from where it was; or neither. Throws StorageFullError,
   * StorageAwayError, or what the disk says.
   */
  adopt(file: StoredFile, finished: FinishedFile): Promise<void> {
    return this.store.adopt(file, finished);
  }

  /**
   * A path under which the file can be read on this machine: the file itself on the disk, else a copy that goes when it
   * is released. Nothing lies there when there is no such file.
   */
  localCopy(file: StoredFile): Promise<LocalFile> {
    return this.store.localCopy(file);
  }

  /** A path for a writer of its own; its directory exists. Release it whatever happens. */
  localDraft(file: StoredFile): Promise<LocalDraft> {
    return this.store.localDraft(file);
  }

  /**
   * Opens a file for reading; undefined when there is none. The caller closes it.
   * Throws UnsafeFileError for whatever else lies on the disk under its name.
   */
  open(file: StoredFile): Promise<OpenedFile | undefined> {
    return this.store.open(file);
  }

  /** Whether the file is there. */
  has(file: StoredFile): Promise<boolean> {
    return this.store.has(file);
  }

  /** Removes a file; one that is not there is no error. */
  remove(file: StoredFile): Promise<void> {
    return this.store.remove(file);
  }

  /** Throws StorageFullError when there is no room for so many bytes more, as far as that can be known. */
  assertRoomFor(bytes: number): Promise<void> {
    return this.store.assertRoomFor(bytes);
  }

  /**
   * Shows the files of one purpose that nobody has touched for `ageMs`, at most 200 at a time, and removes those that
   * come back as orphans; resolves with their number. What killed processes have begun to write goes as well.
   */
  async sweep(purpose: string, ageMs: number, orphansOf: OrphansOf): Promise<number> {
    let removed = 0;
    for await (const files of inGroups(this.store.untouched(purpose, ageMs), FILES_PER_LOOKUP)) {
      for (const file of await orphansOf(files)) {
        await this.store.remove(file);
        removed += 1;
      }
    }
    await this.giveUpUnfinished(purpose);
    return removed;
  }

  /** Rejects with one sentence, for anybody to read, while the storage does not answer. */
  async answers(): Promise<{ kind: BlobStore['kind'] }> {
    await this.store.answers();
    return { kind: this.kind };
  }

  /** A store that cannot say what was begun, or does not let us end it, keeps that; it is said once. */
  private async giveUpUnfinished(purpose: string): Promise<void> {
    try {
      const given = await this.store.giveUpUnfinished(purpose);
      if (given > 0) this.logger.log(`Gave up ${given} uploads to the bucket that nobody goes on with.`);
    } catch (error) {
      const what = String(error);
      if (this.refusals.has(what)) return;
      if (this.refusals.size < MAX_REFUSALS_KEPT) this.refusals.add(what);
      this.logger.warn(`Uploads that killed processes have left stay in the bucket for now: ${what}`);
    }
  }
}

async function* inGroups<T>(source: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let group: T[] = [];
  for await (const item of source) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
