import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { asc, inArray, sql } from 'drizzle-orm';
import { Database } from '../database/database.service';
import { FlowAdder } from '../flows/flow-adder.service';
import { withPayloads, type FlowNode } from '../flows/flow-node';
import { JobDispatcher } from '../queue/job-dispatcher.service';
import { QueueRegistry } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { opened } from '../secrets/payload-secrets';
import { outbox } from './outbox.tables';

const POLL_INTERVAL_MS = 1_000;
const BATCH_SIZE = 100;
const ERROR_LOG_INTERVAL_MS = 10_000;

/**
 * Carries promised jobs from the database to Redis, at least once; their ids make a second time harmless.
 * Runs in every process: rows in another relay's hands are skipped.
 */
@Injectable()
export class OutboxRelay implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Outbox');
  private timer?: NodeJS.Timeout;
  private inFlight?: Promise<void>;
  private isWanted = false;
  private stopping = false;
  private lastErrorLoggedAt = 0;

  constructor(
    private readonly database: Database,
    private readonly dispatcher: JobDispatcher,
    private readonly flows: FlowAdder,
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.wake(), POLL_INTERVAL_MS);
    this.timer.unref();
  }

  /** Starts a turn now, or right after the one under way. */
  wake(): void {
    this.isWanted = true;
    this.inFlight ??= this.drain().finally(() => {
      this.inFlight = undefined;
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopping = true;
    await this.inFlight;
  }

  private async drain(): Promise<void> {
    try {
      while (this.isWanted && !this.stopping) {
        this.isWanted = false;
        if (!this.database.isSchemaReady || !this.connections.isReady()) return;
        while ((await this.relayBatch()) === BATCH_SIZE && !this.stopping);
      }
    } catch (error) {
      this.logError(error as Error);
    }
  }

  /** Rows stay locked until their jobs are in Redis, and go only then. */
  private relayBatch(): Promise<number> {
    return this.database.transaction(async (transaction) => {
      const rows = await transaction
        .select()
        .from(outbox)
        // A row that cannot be relayed falls behind those that were tried less often.
        .orderBy(asc(outbox.attempts), asc(outbox.id))
        .limit(BATCH_SIZE)
        .for('update', { skipLocked: true });
      if (rows.length === 0) return 0;
      const outcomes = await Promise.allSettled(rows.map((row) => this.relay(row)));
      const relayed = rows
        .filter((_row, index) => outcomes[index]?.status === 'fulfilled')
        .map(({ id }) => id);
      const kept = rows.filter(({ id }) => !relayed.includes(id)).map(({ id }) => id);
      if (relayed.length > 0) await transaction.delete(outbox).where(inArray(outbox.id, relayed));
      if (kept.length > 0) {
        await transaction
          .update(outbox)
          .set({ attempts: sql`${outbox.attempts} + 1` })
          .where(inArray(outbox.id, kept));
        outcomes.forEach(
          (outcome) => outcome.status === 'rejected' && this.logError(outcome.reason as Error),
        );
      }
      return relayed.length;
    });
  }

  private async relay(row: typeof outbox.$inferSelect): Promise<unknown> {
    const { jobType: type, payload, key, tenant, correlationId, caller, children } = row;
    const promise = { key, tenant, correlationId, ...(caller !== null && { caller }), isPromised: true };
    const options = row.options ?? {};
    if (children === null) {
      const sent = this.opened(tenant, { type, payload });
      return this.dispatcher.dispatch(type, sent, { ...options, ...promise });
    }
    const root = withPayloads<FlowNode>({ type, payload, options, children }, (node) =>
      this.opened(tenant, node),
    );
    return this.flows.add(root, promise);
  }

  private opened(tenant: string, { type, payload }: Pick<FlowNode, 'type' | 'payload'>): object {
    const known = this.registry.type(type);
    return known === undefined ? payload : opened(known.queue, known.job.payload, { tenant, type }, payload);
  }

  private logError(error: Error): void {
    const now = Date.now();
    if (this.stopping || now - this.lastErrorLoggedAt < ERROR_LOG_INTERVAL_MS) return;
    this.lastErrorLoggedAt = now;
    this.logger.error(`Jobs stay in the outbox for now: ${error.message.slice(0, 300)}`);
  }
}
