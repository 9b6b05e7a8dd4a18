import type { Socket } from 'node:net';
import type { Client } from 'pg';
import { from as copyFrom, type CopyStreamQuery } from 'pg-copy-streams';
import { DatabaseUnavailableError } from '../../../platform/database/database-unavailable.error';

const copyHeader = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const copyTrailer = Buffer.from([0xff, 0xff]);
// A database that takes nothing for this long is taken for frozen.
const stallTimeoutMs = 60_000;
const maxLargePieces = 2;

/** The socket under a client: pg types it away, and only it knows whether written memory may be used again. */
export function socketOf(client: Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}

export interface CopyMemory {
  memory: Uint8Array;
  begin: number;
  segmentBytes: number;
  segments: number;
}

/**
 * A binary COPY that is written in place: tuples go straight into segments of the pass's own memory, and a segment is used
 * again only when the socket has let go of it. `canTake` never blocks; when it says no, wait for `free()`.
 */
export class CopyChannel {
  /** Where the next byte belongs. */
  at: number;
  private readonly copy: CopyStreamQuery;
  private readonly inFlight: number[];
  private segment = 0;
  private unsent: number;
  private large = 0;
  private wake: (() => void) | undefined;
  private giveUp: ((error: Error) => void) | undefined;
  private failure: Error | undefined;

  constructor(
    private readonly client: Client,
    statement: string,
    private readonly place: CopyMemory,
  ) {
    this.at = this.unsent = place.begin;
    this.inFlight = new Array<number>(place.segments).fill(0);
    this.copy = client.query(copyFrom(statement, { highWaterMark: place.segmentBytes * place.segments }));
    this.copy.on('error', (error) => {
      this.failure ??= error;
      this.giveUp?.(error);
    });
    this.copy.write(copyHeader);
  }

  /** Whether `bytes` can be written from `at` on without waiting; sends the segment off when it is full. */
  canTake(bytes: number): boolean {
    const { begin, segmentBytes, segments } = this.place;
    if (bytes > segmentBytes) return this.large < maxLargePieces;
    if (this.at + bytes <= begin + (this.segment + 1) * segmentBytes) return true;
    const next = (this.segment + 1) % segments;
    if (this.inFlight[next]! > 0) return false;
    this.flush();
    this.segment = next;
    this.at = this.unsent = begin + next * segmentBytes;
    return true;
  }

  isLarge(bytes: number): boolean {
    return bytes > this.place.segmentBytes;
  }

  /** Sends a piece that fits into no segment, behind everything that was written before. */
  sendLarge(piece: Uint8Array): void {
    this.flush();
    this.large++;
    this.copy.write(piece, () => this.whenSent(() => this.large--));
  }

  /** Resolves when `canTake` may say yes again; rejects when the COPY has failed or nothing moves for a minute. */
  async free(): Promise<void> {
    this.throwFailure();
    await this.within(new Promise<void>((resolve) => (this.wake = resolve)));
  }

  /** Ends the COPY; resolves when the database has taken everything. */
  async close(): Promise<void> {
    this.flush();
    this.throwFailure();
    this.copy.write(copyTrailer);
    await this.within(
      new Promise<void>((resolve) => {
        this.copy.end((error?: Error | null) => {
          // A stream that fails tells its last callback before its listeners.
          if (error) this.failure ??= error;
          resolve();
        });
      }),
    );
  }

  throwFailure(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  private async within(work: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const stalled = new Promise<never>((_, reject) => {
      this.giveUp = reject;
      timer = setTimeout(
        () => reject(new DatabaseUnavailableError('The database took no rows for a minute.')),
        stallTimeoutMs,
      );
    });
    try {
      await Promise.race([work, stalled]);
    } finally {
      clearTimeout(timer);
      this.wake = this.giveUp = undefined;
    }
    this.throwFailure();
  }

  private flush(): void {
    const { unsent, segment } = this;
    if (this.at === unsent) return;
    const { buffer, byteOffset } = this.place.memory;
    const piece = Buffer.from(buffer, byteOffset + unsent, this.at - unsent);
    this.unsent = this.at;
    this.inFlight[segment]!++;
    // The protocol's five bytes before each piece travel with it.
    const socket = socketOf(this.client);
    socket.cork();
    this.copy.write(piece, () => this.whenSent(() => this.inFlight[segment]!--));
    socket.uncork();
  }

  /** The COPY stream calls back when the socket has accepted a piece, which may be before it has sent it. */
  private whenSent(done: () => void): void {
    const release = () => {
      done();
      this.wake?.();
    };
    const socket = socketOf(this.client);
    if (socket.writableLength === 0) release();
    else socket.once('drain', release);
  }
}
