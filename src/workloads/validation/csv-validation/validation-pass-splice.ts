import { openSync } from 'node:fs';
import { closeFile, syncFile, writeFully, type BlockFile } from './validation-pass-report';

interface Insertion {
  offset: number;
  text: Uint8Array;
}

// Each block is a wait for another thread, and for a processor when the machine is busy.
const inputBytes = 1024 * 1024;
const outputBytes = 1024 * 1024;
/** The memory that a copy works in. */
export const spliceBytes = inputBytes + outputBytes;
// Flushing as the bytes come leaves at most this much for the end.
const syncEveryBytes = 8 * 1024 * 1024;
const maxWaiting = 10_000;

/** A copy of a draft with texts put in between, which is written and flushed while this thread does other work. */
export class SplicedCopy {
  /** Bytes of the finished copy, as far as insertions are known. */
  length: number;
  private readonly file: number;
  private readonly input: Uint8Array;
  private readonly output: Uint8Array;
  private readonly insertions: Insertion[] = [];
  private readonly copied: Promise<void>;
  /** Before this place of the draft nothing is put in any more. */
  private knownTo = 0;
  private filled = 0;
  private written = 0;
  private synced = 0;
  private syncing: Promise<void> | undefined;
  private onNews: (() => void) | undefined;
  private onStep: (() => void) | undefined;
  private isGivenUp = false;
  private isClosed = false;

  constructor(
    readonly path: string,
    private readonly draft: BlockFile,
    memory: Uint8Array,
  ) {
    this.length = draft.length;
    this.input = memory.subarray(0, inputBytes);
    this.output = memory.subarray(inputBytes, spliceBytes);
    this.file = openSync(path, 'w', 0o600);
    this.copied = this.copy();
    // Whoever waits for the copy is told.
    this.copied.catch(() => undefined);
  }

  /** Puts a text before the byte at `offset` of the draft; offsets never fall. */
  insert(offset: number, text: Uint8Array): void {
    this.insertions.push({ offset, text });
    this.length += text.length;
    this.knownTo = offset;
    this.onNews?.();
  }

  /** Resolves when the copying is not far behind the insertions. */
  async room(): Promise<void> {
    while (this.insertions.length > maxWaiting) {
      const step = new Promise<void>((resolve) => (this.onStep = resolve));
      await Promise.race([step, this.copied]);
    }
  }

  /** No more insertions come; resolves when every byte is on the disk. */
  async finish(): Promise<void> {
    this.knownTo = Infinity;
    this.onNews?.();
    await this.copied;
    await this.close();
  }

  /** Stops where the copy is. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = this.isGivenUp = true;
    this.onNews?.();
    await Promise.allSettled([this.copied, this.syncing]);
    await closeFile(this.file);
  }

  private async copy(): Promise<void> {
    const { draft, input } = this;
    for (let from = 0; from < draft.length;) {
      if (this.isGivenUp) return;
      if (from >= this.knownTo) {
        await new Promise<void>((resolve) => (this.onNews = resolve));
        continue;
      }
      const read = await draft.readSoon(input, Math.min(inputBytes, this.knownTo - from), from);
      await this.splice(from, read);
      from += read;
      this.onStep?.();
    }
    await this.flush();
    await this.syncing;
    await syncFile(this.file);
  }

  /** Writes the `count` bytes of the draft that have been read, with what belongs between them. */
  private async splice(from: number, count: number): Promise<void> {
    let at = 0;
    for (let next = this.insertions[0]; next !== undefined; next = this.insertions[0]) {
      const place = next.offset - from;
      if (place >= count) break;
      await this.append(this.input.subarray(at, place));
      await this.append(next.text);
      at = place;
      this.insertions.shift();
    }
    await this.append(this.input.subarray(at, count));
  }

  private async append(piece: Uint8Array): Promise<void> {
    for (let done = 0; done < piece.length;) {
      if (this.filled === outputBytes) await this.flush();
      const part = piece.subarray(done, done + outputBytes - this.filled);
      this.output.set(part, this.filled);
      this.filled += part.length;
      done += part.length;
    }
  }

  private async flush(): Promise<void> {
    await writeFully(this.file, this.output.subarray(0, this.filled), this.written);
    this.written += this.filled;
    this.filled = 0;
    if (this.written - this.synced < syncEveryBytes) return;
    await this.syncing;
    this.synced = this.written;
    this.syncing = syncFile(this.file);
    // Its failure is thrown by whoever waits for it next.
    this.syncing.catch(() => undefined);
  }
}
