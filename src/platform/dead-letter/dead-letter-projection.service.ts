import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { and, asc, count, desc, eq, inArray, notInArray, sql } from 'drizzle-orm';
import type { Queue } from 'bullmq';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { Database } from '../database/database.service';
import { Leader } from '../leader/leader.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { DeadLetterQueues, type DeadLetterQueue } from './dead-letter-queues.service';
import { letteredJobsKey } from '../queue/dead-letter-name';
import { deadLetters } from './dead-letter.tables';
import { shown } from '../secrets/payload-secrets';

/** What a `<queue>_dlq` shows at most. */
export const MAX_SHOWN = 10_000;
const INTERVAL_MS = 2_000;
const REVIEW_INTERVAL_MS = 60_000;
const BATCH_SIZE = 200;
const MAX_BATCHES_PER_TURN = 20;
const MAX_SHOWN_PAYLOAD_CHARACTERS = 4_096;
const MAX_SHOWN_REASON_CHARACTERS = 500;

const shownColumns = {
  id: deadLetters.id,
  tenant: deadLetters.tenant,
  queue: deadLetters.queue,
  jobId: deadLetters.jobId,
  generation: deadLetters.generation,
  key: deadLetters.key,
  type: deadLetters.type,
  cause: deadLetters.cause,
  attempts: deadLetters.attempts,
  redriveCount: deadLetters.redriveCount,
  finishedAt: deadLetters.finishedAt,
  isShownWanted: deadLetters.isShownWanted,
  payload: sql<string>`left(${deadLetters.payload}, ${MAX_SHOWN_PAYLOAD_CHARACTERS + 1})`,
  reason: sql<string>`left(${deadLetters.errorMessage}, ${MAX_SHOWN_REASON_CHARACTERS})`,
};
const isChanged = sql`${deadLetters.isShown} <> ${deadLetters.isShownWanted}`;
type Shown = Pick<typeof deadLetters.$inferSelect, Exclude<keyof typeof shownColumns, 'reason'>> & {
  readonly reason: string;
};

/** Keeps `<queue>_dlq` in Redis a picture of the newest dead letters, made anew from the database whenever it is lost. */
@Injectable()
export class DeadLetterProjection implements OnApplicationBootstrap {
  private reviewedAt = -Infinity;

  constructor(
    private readonly database: Database,
    private readonly queues: DeadLetterQueues,
    private readonly connections: RedisConnections,
    private readonly leader: Leader,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('dead-letter-projection', INTERVAL_MS, () => this.turn());
  }

  /** Shows and hides what has changed, and once a minute compares the whole. */
  async turn(maxShown = MAX_SHOWN): Promise<void> {
    if (!this.database.isSchemaReady) return;
    try {
      const isReviewDue = Date.now() - this.reviewedAt >= REVIEW_INTERVAL_MS;
      const queues = this.queues.all();
      if (isReviewDue) for (const queue of queues) await this.review(queue, maxShown);
      const changed = await this.changedQueues();
      for (const queue of queues) {
        if (changed.has(queue.origin.definition.name)) await this.apply(queue);
      }
      if (isReviewDue) this.reviewedAt = Date.now();
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
    }
  }

  /** Decides anew which ones are the newest; a Redis that lost them gets all of them again. */
  async review({ origin, queue }: DeadLetterQueue, maxShown = MAX_SHOWN): Promise<void> {
    this.connections.assertReady();
    const { name } = origin.definition;
    const own = eq(deadLetters.queue, name);
    const newest = this.database.query
      .select({ id: deadLetters.id })
      .from(deadLetters)
      .where(and(own, inArray(deadLetters.status, ['dead', 'redriving'])))
      .orderBy(desc(deadLetters.finishedAt), desc(deadLetters.id))
      .limit(maxShown);
    await this.database.query
      .update(deadLetters)
      .set({ isShownWanted: true })
      .where(and(own, eq(deadLetters.isShownWanted, false), inArray(deadLetters.id, newest)));
    await this.database.query
      .update(deadLetters)
      .set({ isShownWanted: false })
      .where(and(own, eq(deadLetters.isShownWanted, true), notInArray(deadLetters.id, newest)));
    const [newestShown] = await this.database.query
      .select({ total: count() })
      .from(deadLetters)
      .where(and(own, eq(deadLetters.isShown, true)));
    const shownNow = newestShown?.total ?? 0;
    const jobs = jobsKeyOf(queue, name);
    const isNamed = shownNow === 0 || (await this.connections.producer.exists(jobs)) === 1;
    if (isNamed && shownNow === (await queue.getWaitingCount())) return;
    await queue.drain();
    await this.connections.producer.del(jobs);
    await this.database.query
      .update(deadLetters)
      .set({ isShown: false })
      .where(and(own, eq(deadLetters.isShown, true)));
  }

  /** One question for all queues: mostly nothing has changed in any of them. */
  private async changedQueues(): Promise<ReadonlySet<string>> {
    const found = await this.database.query
      .selectDistinct({ queue: deadLetters.queue })
      .from(deadLetters)
      .where(isChanged);
    return new Set(found.map(({ queue }) => queue));
  }

  private async apply(target: DeadLetterQueue): Promise<void> {
    for (let batch = 0; batch < MAX_BATCHES_PER_TURN; batch += 1) {
      const changed = await this.database.query
        .select(shownColumns)
        .from(deadLetters)
        .where(and(eq(deadLetters.queue, target.origin.definition.name), isChanged))
        .orderBy(asc(deadLetters.finishedAt))
        .limit(BATCH_SIZE);
      if (changed.length === 0) return;
      // A job that died anew has one of either: its name stays for the newer one.
      await this.hide(
        target,
        changed.filter(({ isShownWanted }) => !isShownWanted),
      );
      await this.show(
        target,
        changed.filter(({ isShownWanted }) => isShownWanted),
      );
      if (changed.length < BATCH_SIZE) return;
    }
  }

  private async show({ origin, queue }: DeadLetterQueue, letters: readonly Shown[]): Promise<void> {
    if (letters.length === 0) return;
    this.connections.assertReady();
    await queue.addBulk(
      letters.map((letter) => ({
        name: `dlq_${letter.finishedAt}`,
        data: shownData(letter),
        opts: { jobId: letter.id, attempts: 1 },
      })),
    );
    await this.connections.producer.sadd(jobsKeyOf(queue, origin.definition.name), ...jobIdsOf(letters));
    await this.mark(letters, true);
  }

  private async hide({ origin, queue }: DeadLetterQueue, letters: readonly Shown[]): Promise<void> {
    if (letters.length === 0) return;
    this.connections.assertReady();
    await Promise.all(letters.map(({ id }) => queue.remove(id)));
    await this.connections.producer.srem(jobsKeyOf(queue, origin.definition.name), ...jobIdsOf(letters));
    await this.mark(letters, false);
  }

  private async mark(letters: readonly Shown[], isShown: boolean): Promise<void> {
    await this.database.query
      .update(deadLetters)
      .set({ isShown })
      .where(
        inArray(
          deadLetters.id,
          letters.map(({ id }) => id),
        ),
      );
  }
}

function jobsKeyOf(queue: Queue, origin: string): string {
  return letteredJobsKey(queue.opts.prefix ?? '', origin);
}

function jobIdsOf(letters: readonly Shown[]): string[] {
  return letters.map(({ jobId }) => jobId);
}

/** The members that document 003 names under both of its spellings, beside ours; a large payload only in its beginning. */
function shownData(letter: Shown): object {
  const { id, tenant, queue, jobId, generation, key, type, cause, attempts, redriveCount, finishedAt } =
    letter;
  const data = shownPayload(letter.payload);
  return {
    data,
    jobData: data,
    reason: letter.reason,
    deadLetterId: id,
    tenant,
    queue,
    jobId,
    generation,
    key,
    type,
    cause,
    attempts,
    redriveCount,
    finishedAt: new Date(finishedAt).toISOString(),
    links: { self: `/api/queue/dead-letters/${id}`, redrive: `/api/queue/dead-letters/${id}/redrive` },
  };
}

function shownPayload(payload: string): unknown {
  if (payload.length > MAX_SHOWN_PAYLOAD_CHARACTERS) {
    return { beginning: payload.slice(0, MAX_SHOWN_PAYLOAD_CHARACTERS), isCut: true };
  }
  try {
    return shown(JSON.parse(payload) as unknown);
  } catch {
    return payload;
  }
}
