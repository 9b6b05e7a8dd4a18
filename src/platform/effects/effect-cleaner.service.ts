import { Injectable, Logger, Optional, type OnApplicationBootstrap } from '@nestjs/common';
import { and, inArray, lt } from 'drizzle-orm';
import { Database } from '../database/database.service';
import { DeadLetterStore } from '../dead-letter/dead-letter.store';
import { Leader } from '../leader/leader.service';
import { effectFences } from './effects.tables';

/** Somebody who may still send jobs back. Answers with those of the ids, at most 500, whose effects may be forgotten. */
export type EffectGuard = (jobIds: readonly string[]) => Promise<ReadonlySet<string>>;

const SWEEP_INTERVAL_MS = 60_000;
// Longer than any job is kept after it has finished: what starts again within this time goes on where it was.
const MAX_AGE_MS = 30 * 86_400_000;
const BATCH_SIZE = 500;
const MAX_BATCHES_PER_SWEEP = 20;

/** Forgets the effects of jobs that nobody has started for 30 days. */
@Injectable()
export class EffectCleaner implements OnApplicationBootstrap {
  private readonly logger = new Logger('Effects');
  private readonly guards: EffectGuard[] = [];

  constructor(
    private readonly database: Database,
    private readonly leader: Leader,
    @Optional() deadLetters?: DeadLetterStore,
  ) {
    // A redrive goes on where the job was, however long after.
    if (deadLetters !== undefined) this.guards.push((ids) => deadLetters.decidedOf(ids));
  }

  onApplicationBootstrap(): void {
    this.leader.every('effect-cleaner', SWEEP_INTERVAL_MS, async () => {
      if (this.database.isSchemaReady) await this.sweep();
    });
  }

  /** From now on the effects of a job are only forgotten once the guard lets them go; it is asked every 30 days. */
  guard(guard: EffectGuard): void {
    this.guards.push(guard);
  }

  /** One pass over at most 10,000 jobs; resolves with the number of those forgotten. */
  async sweep(now = Date.now()): Promise<number> {
    let forgotten = 0;
    for (let batch = 0; batch < MAX_BATCHES_PER_SWEEP; batch += 1) {
      const old = await this.database.query
        .select({ jobId: effectFences.jobId })
        .from(effectFences)
        .where(lt(effectFences.touchedAt, new Date(now - MAX_AGE_MS)))
        .orderBy(effectFences.touchedAt)
        .limit(BATCH_SIZE);
      forgotten += await this.forget(
        old.map(({ jobId }) => jobId),
        now,
      );
      if (old.length < BATCH_SIZE) break;
    }
    if (forgotten > 0) this.logger.log(`Forgot the effects of ${forgotten} jobs.`);
    return forgotten;
  }

  private async forget(ids: readonly string[], now: number): Promise<number> {
    let free = ids;
    for (const guard of this.guards) {
      if (free.length === 0) break;
      const released = await guard(free);
      free = free.filter((id) => released.has(id));
    }
    const kept = ids.filter((id) => !free.includes(id));
    if (kept.length > 0) {
      // Asked again after another age, not at every sweep.
      await this.database.query
        .update(effectFences)
        .set({ touchedAt: new Date(now) })
        .where(inArray(effectFences.jobId, kept));
    }
    if (free.length === 0) return 0;
    // A job that started meanwhile has touched its fence.
    const gone = await this.database.query
      .delete(effectFences)
      .where(
        and(inArray(effectFences.jobId, [...free]), lt(effectFences.touchedAt, new Date(now - MAX_AGE_MS))),
      )
      .returning({ jobId: effectFences.jobId });
    return gone.length;
  }
}
