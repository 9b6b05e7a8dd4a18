import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { and, asc, eq, sql } from 'drizzle-orm';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { Database, type Transaction } from '../database/database.service';
import { Leader } from '../leader/leader.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { isAway } from '../redis/redis-unavailable.error';
import { OperationActions } from './operation-actions.service';
import {
  endOperation,
  OperationStore,
  type ItemResult,
  type Operation,
  type OperationItem,
} from './operation.store';
import { allowance, unusedSince } from './operation-rate';
import { roomIn, waveState, type WaveState } from './operation-waves';
import { operationItems, operations } from './operations.tables';

const INTERVAL_MS = 500;
const BATCH_SIZE = 100;
// Finished jobs leave Redis together, as many as retention removes at a time.
const CLEAN_BATCH_SIZE = 500;
const MAX_CHECKED = 500;
const MAX_STEPS_PER_TURN = 50;
const MAX_RUNNING = 50;
const ERROR_LOG_INTERVAL_MS = 10_000;

/**
 * Carries operations out step by step. A step holds the operation's row, so that one process at a time works on it,
 * and everything it needs stands in rows: whoever comes next goes on where the last one was.
 */
@Injectable()
export class OperationRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Operations');
  private inFlight?: Promise<void>;
  private stopping = false;
  private lastErrorLoggedAt = 0;

  constructor(
    private readonly database: Database,
    private readonly connections: RedisConnections,
    private readonly store: OperationStore,
    private readonly actions: OperationActions,
    private readonly leader: Leader,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('operations', INTERVAL_MS, () => this.turn());
  }

  /** Begins now instead of at the leader's next turn. */
  wake(): void {
    this.inFlight ??= this.turn()
      .catch(() => undefined)
      .finally(() => {
        this.inFlight = undefined;
      });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await this.inFlight;
  }

  /** As much of every running operation as can be done at once. */
  async turn(): Promise<void> {
    if (!this.database.isSchemaReady || !this.connections.isReady()) return;
    try {
      for (const id of await this.store.running(MAX_RUNNING)) await this.advance(id);
    } catch (error) {
      if (!isDatabaseAway(error) && !isAway(error)) throw error;
    }
  }

  /** One operation that cannot go on must not keep the others back. */
  private async advance(id: string): Promise<void> {
    try {
      for (let step = 0; step < MAX_STEPS_PER_TURN && !this.stopping; step += 1) {
        if (!(await this.step(id))) return;
      }
    } catch (error) {
      if (isDatabaseAway(error) || isAway(error)) throw error;
      const now = Date.now();
      if (now - this.lastErrorLoggedAt < ERROR_LOG_INTERVAL_MS) return;
      this.lastErrorLoggedAt = now;
      this.logger.error(`Operation ${id} cannot go on and is tried again: ${String(error).slice(0, 300)}`);
    }
  }

  /** True when there is more to do at once. */
  private step(id: string): Promise<boolean> {
    return this.database.transaction(async (transaction) => {
      const [operation] = await transaction
        .select()
        .from(operations)
        .where(and(eq(operations.id, id), eq(operations.status, 'running')))
        .for('update', { skipLocked: true });
      if (operation === undefined) return false;
      const hasEnded = await this.collect(transaction, operation);
      const state = await waveState(transaction, operation);
      if (state.pending === 0 && state.running === 0) {
        await this.judge(transaction, operation, state, true);
        return false;
      }
      const room = roomIn(operation, state);
      if (room === 0) {
        // The wave is full: the next one begins when this one has ended well.
        if (state.running > 0) return hasEnded;
        return this.judge(transaction, operation, state, false);
      }
      return (
        (await this.send(transaction, operation, Math.min(room, allowance(operation, BATCH_SIZE)))) ||
        hasEnded
      );
    });
  }

  /** Notes how jobs have ended that were sent back; true when any has. */
  private async collect(transaction: Transaction, operation: Operation): Promise<boolean> {
    if (!operation.usesWaves) return false;
    const sent = await itemsOf(transaction, operation, 'sent', MAX_CHECKED);
    const ended = await this.actions.ended(sent);
    await note(transaction, operation, ended);
    return ended.length > 0;
  }

  private async send(transaction: Transaction, operation: Operation, limit: number): Promise<boolean> {
    if (limit === 0) return false;
    const batchSize = operation.action === 'clean' ? CLEAN_BATCH_SIZE : BATCH_SIZE;
    const items = await itemsOf(transaction, operation, 'pending', Math.min(limit, batchSize));
    const results = (await this.actions.run(operation, items)).filter(({ status }) => status !== 'pending');
    await note(transaction, operation, results);
    const { ratePerSecond } = operation;
    if (ratePerSecond !== null && results.length > 0) {
      const usedMs = (results.length * 1_000) / ratePerSecond;
      await transaction
        .update(operations)
        .set({ nextAt: new Date(Math.ceil(unusedSince(operation) + usedMs)) })
        .where(eq(operations.id, operation.id));
    }
    return results.length > 0;
  }

  /** Halts the operation when too much of the wave has failed; else begins the next wave, or ends it. */
  private async judge(
    transaction: Transaction,
    operation: Operation,
    { failed, succeeded }: WaveState,
    isLast: boolean,
  ): Promise<boolean> {
    const { id, wave, maxFailureRatio, usesWaves, action } = operation;
    const ratio = failed / Math.max(1, failed + succeeded);
    if (usesWaves && failed > 0 && ratio > maxFailureRatio) {
      const detail = `${failed} of ${failed + succeeded} jobs of wave ${wave} failed again; the limit is ${maxFailureRatio * 100} %.`;
      await endOperation(transaction, id, 'halted', detail);
      this.logger.warn({ msg: `Operation ${id} (${action}) halted: ${detail}`, operation: id });
      return false;
    }
    if (isLast) {
      await endOperation(transaction, id, 'completed');
      this.logger.log({ msg: `Operation ${id} (${action}) completed`, operation: id });
      return false;
    }
    await transaction
      .update(operations)
      .set({ wave: wave + 1 })
      .where(eq(operations.id, id));
    return true;
  }
}

function itemsOf(
  transaction: Transaction,
  { id }: Operation,
  status: OperationItem['status'],
  limit: number,
): Promise<OperationItem[]> {
  return transaction
    .select()
    .from(operationItems)
    .where(and(eq(operationItems.operationId, id), eq(operationItems.status, status)))
    .orderBy(asc(operationItems.ordinal))
    .limit(limit);
}

/** What has no wave yet belongs to the current one from now on. */
async function note(
  transaction: Transaction,
  { id, wave }: Operation,
  results: readonly ItemResult[],
): Promise<void> {
  if (results.length === 0) return;
  await transaction.execute(sql`
    UPDATE ${operationItems} SET
      status = done.status, detail = done.detail,
      job_id = coalesce(done.job_id, ${operationItems.jobId}),
      generation = coalesce(done.generation, ${operationItems.generation}),
      wave = coalesce(${operationItems.wave}, ${wave}::int)
    FROM json_to_recordset(${JSON.stringify(results.map(recordOf))}::json)
      AS done (ordinal int, status text, detail text, job_id text, generation int)
    WHERE ${operationItems.operationId} = ${id} AND ${operationItems.ordinal} = done.ordinal`);
}

// An error's text may hold a NUL, which PostgreSQL refuses.
function recordOf({ ordinal, status, detail, jobId, generation }: ItemResult): object {
  return { ordinal, status, detail: detail?.replaceAll('\0', '\uFFFD'), job_id: jobId, generation };
}
