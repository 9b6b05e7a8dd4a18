import { Injectable } from '@nestjs/common';
import { QueueRegistry, type RegisteredQueue } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { LedgerCursors } from './ledger-cursors.service';
import { LedgerRecorder } from './ledger-recorder.service';
import { JobSets } from '../queue/job-sets.service';
import { LedgerStore, type UnsettledJob } from './ledger.store';
import { isAfter, liveChanges, type StreamEntry } from './live-events';
import { LiveScan } from './live-scan.service';

// A completed event carries its result, of at most 32 KiB: this is what one read may weigh at most, 6 MiB.
const EVENTS_PER_READ = 200;
const MAX_READS_PER_TURN = 10;
const SETTLE_AFTER_MS = 60_000;
const SETTLE_BATCH = 200;
const REMOVED = 'It was removed before it had finished, and nobody said why.';
const VANISHED = 'Redis does not have it any more, and nobody said why.';

/** Follows jobs that wait or run: by events where they are all there, by looking where they are not. */
@Injectable()
export class LiveJobs {
  constructor(
    private readonly connections: RedisConnections,
    private readonly sets: JobSets,
    private readonly cursors: LedgerCursors,
    private readonly recorder: LedgerRecorder,
    private readonly store: LedgerStore,
    private readonly scan: LiveScan,
    private readonly registry: QueueRegistry,
  ) {}

  /** Whether there may be events that were not read, when this is the newest. */
  isBehind({ definition }: RegisteredQueue, newest: string | undefined): boolean {
    return newest !== undefined && newest !== this.cursors.get(cursorOf(definition));
  }

  /** Takes over what the queue's events tell since the last turn, or begins to look at all live jobs of the queue. */
  async follow(entry: RegisteredQueue): Promise<void> {
    const key = `${entry.queue.opts.prefix}:${entry.definition.name}:events`;
    const cursor = cursorOf(entry.definition);
    const { producer } = this.connections;
    let position = this.cursors.get(cursor);
    if (position === undefined || (await this.wasTrimmedPast(key, position))) {
      const [newest] = await producer.xrevrange(key, '+', '-', 'COUNT', 1);
      if (newest === undefined) return;
      this.scan.want(entry);
      await this.write(entry, { touched: [], removed: [] }, { source: cursor, position: newest[0] });
      return;
    }
    for (let read = 0; read < MAX_READS_PER_TURN; read += 1) {
      const reply = await producer.xread('COUNT', EVENTS_PER_READ, 'STREAMS', key, position);
      const entries: readonly StreamEntry[] = reply?.[0]?.[1] ?? [];
      const newest = entries.at(-1);
      if (newest === undefined) return;
      position = newest[0];
      await this.write(entry, liveChanges(entries), { source: cursor, position });
      if (entries.length < EVENTS_PER_READ) return;
    }
  }

  /** Looks at jobs that have been live for long, and ends those that Redis has no more. */
  async settle(now = Date.now()): Promise<void> {
    const unsettled = await this.store.unsettled(now - SETTLE_AFTER_MS, SETTLE_BATCH);
    const byQueue = new Map<string, UnsettledJob[]>();
    for (const job of unsettled) byQueue.set(job.queue, [...(byQueue.get(job.queue) ?? []), job]);
    for (const [queue, jobs] of byQueue) {
      const entry = this.registry.get(queue);
      if (entry === undefined) await this.store.touch(jobs, now);
      else await this.settleQueue(entry, jobs, now);
    }
  }

  private async settleQueue(
    entry: RegisteredQueue,
    jobs: readonly UnsettledJob[],
    now: number,
  ): Promise<void> {
    const read = await this.sets.read(
      entry,
      jobs.map(({ id }) => id),
    );
    await this.recorder.record(entry, read);
    const there = new Set(read.map(({ job }) => `${job.id} ${job.createdAt}`));
    const isThere = ({ id, createdAt }: UnsettledJob) => there.has(`${id} ${createdAt}`);
    await this.store.touch(jobs.filter(isThere), read[0]?.readAt ?? now);
    await this.store.vanish(
      jobs.filter((job) => !isThere(job)),
      now,
      VANISHED,
    );
  }

  private async write(
    entry: RegisteredQueue,
    { touched, removed }: ReturnType<typeof liveChanges>,
    cursor: { source: string; position: string },
  ): Promise<void> {
    // A worker gave the last word while we read: the sets of finished jobs bring it.
    const read = (await this.sets.read(entry, touched)).filter(({ job }) => job.finishedAt === undefined);
    await this.recorder.record(entry, read, [cursor]);
    await this.store.vanishIds(removed, await this.redisTime(), REMOVED);
    this.cursors.set(cursor);
  }

  private async redisTime(): Promise<number> {
    const [seconds = 0, micros = 0] = (await this.connections.producer.time()).map(Number);
    return seconds * 1_000 + Math.floor(micros / 1_000);
  }

  /** BullMQ keeps the newest events only. */
  private async wasTrimmedPast(key: string, position: string): Promise<boolean> {
    const [oldest] = await this.connections.producer.xrange(key, '-', '+', 'COUNT', 1);
    return oldest !== undefined && isAfter(oldest[0], position);
  }
}

function cursorOf({ name }: RegisteredQueue['definition']): string {
  return `events:${name}`;
}
