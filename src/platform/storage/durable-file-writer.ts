import type { FileHandle } from 'node:fs/promises';
import { Writable } from 'node:stream';

// Flushing as the bytes come leaves at most this much for the last flush, which the caller waits for.
const SYNC_EVERY_BYTES = 4 * 1024 * 1024;
const HIGH_WATER_BYTES = 1024 * 1024;

/** More bytes came than the caller allows; `maxBytes` is the limit. */
export class FileTooLargeError extends Error {
  constructor(readonly maxBytes: number) {
    super(`The file is larger than ${maxBytes} bytes.`);
    this.name = 'FileTooLargeError';
  }
}

/**
 * Writes into an open file with at most about 2 MiB in memory and flushes it to the disk while it grows.
 * Fails with {@link FileTooLargeError} at the first byte beyond `maxBytes`; the caller closes the handle.
 */
export class DurableFileWriter extends Writable {
  private unsynced = 0;
  private syncing?: Promise<void>;
  private written = 0;

  constructor(
    private readonly handle: FileHandle,
    private readonly maxBytes: number,
  ) {
    super({ highWaterMark: HIGH_WATER_BYTES });
  }

  get bytes(): number {
    return this.written;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.append([chunk]).then(() => done(), done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.append(chunks.map(({ chunk }) => chunk)).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    Promise.resolve(this.syncing)
      .then(() => this.handle.datasync())
      .then(() => done(), done);
  }

  private async append(chunks: Buffer[]): Promise<void> {
    let bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (this.written + bytes > this.maxBytes) throw new FileTooLargeError(this.maxBytes);
    this.written += bytes;
    let rest = chunks;
    while (bytes > 0) {
      const { bytesWritten } = await this.handle.writev(rest);
      bytes -= bytesWritten;
      if (bytes > 0) rest = [Buffer.concat(rest).subarray(bytesWritten)];
      this.unsynced += bytesWritten;
    }
    await this.syncInTime();
  }

  /** One flush at a time runs beside the writing; when it falls behind, the writing waits for it. */
  private async syncInTime(): Promise<void> {
    if (this.unsynced < SYNC_EVERY_BYTES) return;
    await this.syncing;
    this.unsynced = 0;
    this.syncing = this.handle.datasync();
    // Its failure is thrown by whoever waits for it next.
    this.syncing.catch(() => undefined);
  }
}
