import type { Readable } from 'node:stream';
import type { PlainFile } from './plain-file';
import type { StoredFile } from './stored-file';

/** Which bytes of a file are wanted; the last one itself included. */
export interface ReadOptions {
  readonly start?: number;
  readonly end?: number;
  readonly highWaterMark?: number;
}

/** A file that was found; whoever has it closes it. */
export interface OpenedFile {
  readonly bytes: number;
  /** A new stream each time; its failure breaks it off, so that half a file never looks whole. */
  stream(options?: ReadOptions): Readable;
  close(): Promise<void>;
}

/** A path on this machine, for as long as it is not released. */
export interface LocalFile {
  readonly path: string;
  release(): Promise<void>;
}

/** A file that nobody writes any more, at a path from which it may be moved away. */
export interface FinishedFile extends PlainFile {
  readonly path: string;
}

/** A path for a writer of its own, such as a thread; what lies there becomes the file when it is published. */
export interface LocalDraft extends LocalFile {
  /** Whether the writer's file is the stored one as soon as it has its name. */
  readonly isInPlace: boolean;
  publish(): Promise<void>;
}

/** Where the bytes of files lie. */
export interface BlobStore {
  readonly kind: 'disk' | 's3';
  /** The file is there whole, or not at all. */
  write(file: StoredFile, source: Readable, maxBytes: number): Promise<{ bytes: number }>;
  /** Takes a finished file of this machine over: nothing stays at its path. It is there whole, or not at all. */
  adopt(file: StoredFile, finished: FinishedFile): Promise<void>;
  open(file: StoredFile): Promise<OpenedFile | undefined>;
  has(file: StoredFile): Promise<boolean>;
  remove(file: StoredFile): Promise<void>;
  assertRoomFor(bytes: number): Promise<void>;
  untouched(purpose: string, ageMs: number): AsyncGenerator<StoredFile>;
  /** What was begun by a process that is gone and is found in no list of files; resolves with the number of those. */
  giveUpUnfinished(purpose: string): Promise<number>;
  /** Nothing lies at the path where there is no such file. */
  localCopy(file: StoredFile): Promise<LocalFile>;
  localDraft(file: StoredFile): Promise<LocalDraft>;
  /** Rejects with one sentence, for anybody to read, while the store does not answer. */
  answers(): Promise<void>;
}
