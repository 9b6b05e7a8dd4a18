import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { and, eq, inArray, lt, sql } from 'drizzle-orm';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { Database } from '../database/database.service';
import { Leader } from '../leader/leader.service';
import { PayloadInvalidError } from '../queue/job-payload';
import { isAway } from '../redis/redis-unavailable.error';
import type { DeadLetter } from './dead-letter-entry';
import { deadLetters, type RedriveOrder } from './dead-letter.tables';
import { JobReturn } from './job-return.service';
import { RedriveRefusedError } from './returnable';

const RECOVERY_INTERVAL_MS = 5_000;
// Far longer than a redrive takes that is not left behind by a crash.
const ABANDONED_AFTER_MS = 15_000;
const BATCH_SIZE = 100;

/** What became of one dead letter that was to be redriven. */
export type RedriveOutcome =
  | { readonly id: string; readonly kind: 'redriven'; readonly jobId: string; readonly generation: number }
  /** Somebody else decided about it first. */
  | { readonly id: string; readonly kind: 'decided' }
  /** The same operation has begun with it, and crashed; it ends by itself. */
  | { readonly id: string; readonly kind: 'underway' }
  | {
      readonly id: string;
      readonly kind: 'refused';
      readonly error: RedriveRefusedError | PayloadInvalidError;
    };

/**
 * Sends dead letters back to work, each once: the row turns to `redriving` in a transaction of its own before Redis
 * is touched, and what a crash leaves in that state is brought to its end by the next leader.
 */
@Injectable()
export class DeadLetterRedrive implements OnApplicationBootstrap {
  private readonly logger = new Logger('DeadLetters');

  constructor(
    private readonly database: Database,
    private readonly jobs: JobReturn,
    private readonly leader: Leader,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('dead-letter-redrives', RECOVERY_INTERVAL_MS, () => this.recover());
  }

  /** At most 100 at a time. Rejects when a store is away; what was begun then is ended later. */
  async redrive(ids: readonly string[], order: RedriveOrder): Promise<RedriveOutcome[]> {
    this.database.assertReady();
    const found = await this.database.query
      .select()
      .from(deadLetters)
      .where(inArray(deadLetters.id, [...ids]));
    const checks = await Promise.all(found.map((letter) => this.refusal(letter, order)));
    const refused = checks.filter((one) => one !== undefined);
    const open = found.filter((_letter, at) => checks[at] === undefined).map(({ id }) => id);
    const claimed = await this.claim(open, order);
    const ended = await this.end(claimed);
    const known = new Set([...refused, ...ended].map(({ id }) => id));
    const others = ids.filter((id) => !known.has(id)).map((id) => ({ id, kind: 'decided' as const }));
    return [...refused, ...ended, ...others];
  }

  /** Ends what a process began and did not end. */
  async recover(abandonedAfterMs = ABANDONED_AFTER_MS): Promise<void> {
    if (!this.database.isSchemaReady) return;
    try {
      const left = await this.database.query
        .select()
        .from(deadLetters)
        .where(
          and(
            eq(deadLetters.status, 'redriving'),
            lt(deadLetters.changedAt, sql`now() - ${abandonedAfterMs} * interval '1 millisecond'`),
          ),
        )
        .limit(BATCH_SIZE);
      if (left.length === 0) return;
      this.logger.warn(`Ending ${left.length} redrives that were left behind.`);
      await this.end(left);
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
    }
  }

  private async refusal(letter: DeadLetter, order: RedriveOrder): Promise<RedriveOutcome | undefined> {
    if (letter.status !== 'dead') return decidedBefore(letter, order);
    try {
      await this.jobs.check(letter, order);
      return undefined;
    } catch (error) {
      if (!(error instanceof RedriveRefusedError) && !(error instanceof PayloadInvalidError)) throw error;
      return { id: letter.id, kind: 'refused', error };
    }
  }

  private claim(ids: readonly string[], order: RedriveOrder): Promise<DeadLetter[]> | DeadLetter[] {
    if (ids.length === 0) return [];
    return this.database.query
      .update(deadLetters)
      .set({
        status: 'redriving',
        changedAt: sql`now()`,
        changedBy: order.by,
        changeReason: order.reason,
        redriveOrder: order,
      })
      .where(and(inArray(deadLetters.id, [...ids]), eq(deadLetters.status, 'dead')))
      .returning();
  }

  /** What fails here stays `redriving`, and the next turn of {@link recover} tries it again. */
  private async end(letters: readonly DeadLetter[]): Promise<RedriveOutcome[]> {
    const outcomes = await Promise.allSettled(letters.map((letter) => this.bringBack(letter)));
    const ended = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    await this.record(ended);
    const failed = outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
    if (failed !== undefined) throw failed.reason;
    return ended;
  }

  private async bringBack(letter: DeadLetter): Promise<RedriveOutcome> {
    const { id, redriveOrder, generation } = letter;
    if (redriveOrder === null) throw new Error(`Dead letter ${id} is being redriven without an order.`);
    try {
      const job = await this.jobs.bringBack(letter, redriveOrder, () => this.isStillOpen(id));
      if (job === undefined) return { id, kind: 'decided' };
      await this.settleRevived(job.revived ?? [], redriveOrder);
      const isOwn = redriveOrder.target === undefined;
      return { id, kind: 'redriven', jobId: job.id, generation: isOwn ? generation + 1 : 0 };
    } catch (thrown) {
      if (isAway(thrown)) throw thrown;
      return { id, kind: 'refused', error: asRefusal(thrown) };
    }
  }

  /** Those that died of this death have been taken back with it. */
  private async settleRevived(jobIds: readonly string[], { by }: RedriveOrder): Promise<void> {
    if (jobIds.length === 0) return;
    await this.database.query
      .update(deadLetters)
      .set({
        status: 'redriven',
        redrivenAs: sql`job_id`,
        isShownWanted: false,
        changedAt: sql`now()`,
        changedBy: by,
        changeReason: 'The job it waited for was sent back: it waits again.',
      })
      .where(
        and(
          inArray(deadLetters.jobId, [...jobIds]),
          eq(deadLetters.status, 'dead'),
          eq(deadLetters.cause, 'child_failed'),
        ),
      );
  }

  /** False where another process has ended this redrive while this one was held up. */
  private async isStillOpen(id: string): Promise<boolean> {
    const [open] = await this.database.query
      .select({ id: deadLetters.id })
      .from(deadLetters)
      .where(and(eq(deadLetters.id, id), eq(deadLetters.status, 'redriving')));
    return open !== undefined;
  }

  private async record(outcomes: readonly RedriveOutcome[]): Promise<void> {
    const redriven = outcomes.filter((outcome) => outcome.kind === 'redriven');
    const idsOf = (kind: RedriveOutcome['kind']) =>
      outcomes.filter((outcome) => outcome.kind === kind).map(({ id }) => id);
    if (redriven.length > 0) {
      const jobIds = sql`unnest(${sql.param(redriven.map(({ id }) => id))}::text[], ${sql.param(redriven.map(({ jobId }) => jobId))}::text[])`;
      await this.database.query.execute(sql`
        UPDATE ${deadLetters} SET status = 'redriven', redriven_as = done.job_id, is_shown_wanted = false, changed_at = now()
        FROM ${jobIds} AS done (id, job_id)
        WHERE ${deadLetters.id} = done.id AND ${deadLetters.status} = 'redriving'`);
    }
    await this.settle(idsOf('refused'), { status: 'dead' });
    await this.settle(idsOf('decided'), {
      status: 'closed',
      isShownWanted: false,
      changeReason: 'The job had been retried already.',
    });
  }

  private async settle(ids: readonly string[], change: Partial<DeadLetter>): Promise<void> {
    if (ids.length === 0) return;
    await this.database.query
      .update(deadLetters)
      .set({ ...change, changedAt: sql`now()` })
      .where(and(inArray(deadLetters.id, [...ids]), eq(deadLetters.status, 'redriving')));
  }
}

/** An operation that goes on after a crash meets what it has done itself. */
function decidedBefore(letter: DeadLetter, { operation }: RedriveOrder): RedriveOutcome {
  const { id, status, redriveOrder, redrivenAs, generation } = letter;
  const isOwn = operation !== undefined && redriveOrder?.operation === operation;
  if (isOwn && status === 'redriving') return { id, kind: 'underway' };
  if (!isOwn || status !== 'redriven' || redrivenAs === null) return { id, kind: 'decided' };
  const isSameJob = redriveOrder.target === undefined;
  return { id, kind: 'redriven', jobId: redrivenAs, generation: isSameJob ? generation + 1 : 0 };
}

function asRefusal(thrown: unknown): RedriveRefusedError | PayloadInvalidError {
  if (thrown instanceof RedriveRefusedError || thrown instanceof PayloadInvalidError) return thrown;
  return new RedriveRefusedError(`Redis refused the job: ${String(thrown).slice(0, 300)}`);
}
