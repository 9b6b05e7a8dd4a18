import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Settings } from '../../config/settings';
import type { BlobStore, FinishedFile, LocalDraft, LocalFile, OpenedFile } from './blob-store';
import { LocalBlobStore } from './local-blob-store';
import { S3BlobStore } from './s3-blob-store';
import { Scratch } from './scratch';
import type { StoredFile } from './stored-file';

/**
 * Files that jobs read and write, under names that only the server chooses: below `HOLDFAST_HOME/storage`, or in the
 * bucket of STORAGE_URL.
 */
@Injectable()
export class FileStorage implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Storage');
  private readonly scratch: Scratch;
  private readonly store: BlobStore;

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
   * under its name once every byte is safe, or not at all. Throws StorageFullError, StorageAwayError, or what the disk says.
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

  /** The files of one purpose that nobody has touched for `ageMs`, unfinished ones on the disk included. */
  untouched(purpose: string, ageMs: number): AsyncGenerator<StoredFile> {
    return this.store.untouched(purpose, ageMs);
  }

  /** Rejects with one sentence, for anybody to read, while the storage does not answer. */
  async answers(): Promise<{ kind: BlobStore['kind'] }> {
    await this.store.answers();
    return { kind: this.kind };
  }
}
