import {
  close,
  closeSync,
  fdatasync,
  fsyncSync,
  openSync,
  read,
  readSync,
  renameSync,
  rmSync,
  write,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

const readLater = promisify(read);
const writeLater = promisify(write);
export const closeFile = promisify(close);
/** Resolves when every byte that has been written is on the disk. */
export const syncFile = promisify(fdatasync);

/** Writes all the bytes without holding up this thread. */
export async function writeFully(file: number, piece: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < piece.length;) {
    const { bytesWritten } = await writeLater(file, piece, done, piece.length - done, position + done);
    done += bytesWritten;
  }
}

/** The names of what a pass writes before its report is complete. */
export function partsOf(reportPath: string): string[] {
  return [`${reportPath}.draft`, `${reportPath}.part`, `${reportPath}.keys`];
}

/** Removes what an interrupted pass has left of its report. */
export function removeParts(reportPath: string): void {
  for (const path of partsOf(reportPath)) rmSync(path, { force: true });
}

/** Gives a finished report its name, for good. */
export function publish(path: string, finalPath: string): void {
  renameSync(path, finalPath);
  const directory = openSync(dirname(finalPath), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

// So many places in the draft are remembered at most: 2 MiB, whatever the number of rows.
const maxMarks = 128 * 1024;

/**
 * Remembers where rows begin in the draft: every row at first, every second, fourth … one as they become many, so that any
 * row is found by reading a few others.
 */
export class RowMarks {
  private readonly offsets: number[] = [];
  private step = 1;
  /** The row whose beginning is to be noted next; rows come in order, from 1. */
  nextRow = 1;

  /** Notes that `nextRow` begins at `offset`. */
  note(offset: number): void {
    if (this.offsets.length === maxMarks) {
      for (let i = 0; i < maxMarks / 2; i++) this.offsets[i] = this.offsets[i * 2]!;
      this.offsets.length = maxMarks / 2;
      this.step *= 2;
    }
    // The number of marks is even when it is halved, so this row is one of the new, wider steps too.
    this.offsets.push(offset);
    this.nextRow += this.step;
  }

  /** The nearest remembered row at or before `row`. */
  before(row: number): { row: number; offset: number } {
    const index = Math.min(Math.floor((row - 1) / this.step), this.offsets.length - 1);
    return { row: index * this.step + 1, offset: this.offsets[index]! };
  }
}

/** A file that is written in large blocks from one piece of memory. */
export class BlockFile {
  /** Where the next byte belongs. */
  at: number;
  private written = 0;
  private isClosed = false;
  private hasFailed = false;
  private syncing: Promise<unknown> | undefined;
  private readonly file: number;

  constructor(
    readonly path: string,
    private readonly memory: Uint8Array,
    private readonly begin: number,
    private readonly blockBytes: number,
  ) {
    this.at = begin;
    this.file = openSync(path, 'w+', 0o600);
  }

  /** Bytes of the file so far. */
  get length(): number {
    return this.written + this.at - this.begin;
  }

  /** Makes room for `bytes`; false when they are more than a block holds. */
  hasRoom(bytes: number): boolean {
    if (this.at + bytes <= this.begin + this.blockBytes) return true;
    this.flush();
    return bytes <= this.blockBytes;
  }

  append(piece: Uint8Array): void {
    if (this.hasRoom(piece.length)) {
      this.memory.set(piece, this.at);
      this.at += piece.length;
    } else this.write(piece);
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    return readSync(this.file, target, offset, length, position);
  }

  /** Reads without holding up this thread; at least one byte. */
  async readSoon(target: Uint8Array, length: number, position: number): Promise<number> {
    const { bytesRead } = await readLater(this.file, target, 0, length, position);
    if (bytesRead === 0) throw new Error('The draft of the report is shorter than it was written.');
    return bytesRead;
  }

  flush(): void {
    this.write(this.memory.subarray(this.begin, this.at));
    this.at = this.begin;
  }

  /** Begins to bring what has been written to the disk, so that `finish` has little left to wait for. */
  writeBack(): void {
    if (this.syncing !== undefined || this.hasFailed) return;
    this.syncing = syncFile(this.file).then(
      () => (this.syncing = undefined),
      () => (this.hasFailed = true),
    );
  }

  /** Resolves when every byte is on the disk. */
  async finish(): Promise<void> {
    this.flush();
    await this.syncing;
    // The system tells of a failed write only once.
    if (this.hasFailed) throw new Error('The report could not be brought to the disk.');
    await syncFile(this.file);
    await this.close();
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.syncing;
    await closeFile(this.file);
  }

  private write(piece: Uint8Array): void {
    for (let done = 0; done < piece.length;) {
      const count = writeSync(this.file, piece, done, piece.length - done, this.written);
      done += count;
      this.written += count;
    }
  }
}
