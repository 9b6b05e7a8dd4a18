import { getQueueToken } from '@nestjs/bullmq';
import type { TestingModule } from '@nestjs/testing';
import type { Job, Queue } from 'bullmq';
import { asc } from 'drizzle-orm';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database } from '../../../src/platform/database/database.service';
import { DatabaseModule } from '../../../src/platform/database/database.module';
import type { DeadLetter } from '../../../src/platform/dead-letter/dead-letter-entry';
import { DeadLetterParker } from '../../../src/platform/dead-letter/dead-letter-parker.service';
import {
  DeadLetterRedrive,
  type RedriveOutcome,
} from '../../../src/platform/dead-letter/dead-letter-redrive.service';
import { deadLetterMigrations, DeadLetterModule } from '../../../src/platform/dead-letter/dead-letter.module';
import { deadLetters } from '../../../src/platform/dead-letter/dead-letter.tables';
import type { FlowChild, FlowNode } from '../../../src/platform/flows/flow-node';
import { jobsOf, type FlowJobStatus, type FlowStatus } from '../../../src/platform/flows/flow-status';
import { flowMigrations, FlowsModule } from '../../../src/platform/flows/flows.module';
import { Flows } from '../../../src/platform/flows/flows.service';
import { LeaderModule } from '../../../src/platform/leader/leader.module';
import { ledgerMigrations, LedgerModule } from '../../../src/platform/ledger/ledger.module';
import { outboxMigrations, OutboxModule } from '../../../src/platform/outbox/outbox.module';
import { Outbox } from '../../../src/platform/outbox/outbox.service';
import { RedisConnections, type RedisClient } from '../../../src/platform/redis/redis-connections.service';
import { ResultsModule } from '../../../src/platform/results/results.module';
import { RetentionModule } from '../../../src/platform/retention/retention.module';
import { SecretsModule } from '../../../src/platform/secrets/secrets.module';
import { StorageModule } from '../../../src/platform/storage/storage.module';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';
import { FlowQueuesModule, FlowWork, type PartPayload } from '../../support/flow-queues';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

const migrations = [ledgerMigrations, deadLetterMigrations, outboxMigrations, flowMigrations];

/** Flows over two queues with everything that looks after them, on real stores; no worker runs yet. */
export class FlowScene {
  readonly prefix = randomPrefix();
  app!: TestingModule;
  private database!: TestDatabase;
  private home = '';

  static async open(): Promise<FlowScene> {
    const scene = new FlowScene();
    scene.home = await mkdtemp(join(tmpdir(), 'holdfast-flows-'));
    scene.database = await createTestDatabase();
    const platform = [LeaderModule, DatabaseModule.forRoot(migrations), StorageModule, RetentionModule];
    const parts = [LedgerModule, ResultsModule, SecretsModule, OutboxModule, DeadLetterModule, FlowsModule];
    scene.app = await startQueueApp([...platform, ...parts, FlowQueuesModule], {
      DATABASE_URL: scene.database.url,
      REDIS_PREFIX: scene.prefix,
      HOLDFAST_HOME: scene.home,
      SECRETS_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
    });
    return scene;
  }

  async close(): Promise<void> {
    await removeKeys(this.app, this.prefix);
    await this.app.close();
    await this.database.drop();
    await rm(this.home, { recursive: true, force: true });
  }

  get redis(): RedisClient {
    return this.app.get(RedisConnections).producer;
  }

  get work(): FlowWork {
    return this.app.get(FlowWork);
  }

  get flows(): Flows {
    return this.app.get(Flows);
  }

  queue(name: 'parts' | 'wholes'): Queue {
    return this.app.get<Queue>(getQueueToken(name));
  }

  run(): void {
    const runner = this.app.get(WorkerRunner);
    ['parts', 'wholes'].forEach((name) => runner.start(name));
  }

  /** Starts a flow; resolves with its id. */
  async start(key: string, root: FlowNode): Promise<string> {
    const id = await this.app
      .get(Database)
      .transaction((transaction) => this.flows.start(transaction, { key, root }));
    this.app.get(Outbox).wakeRelay();
    return id;
  }

  async status(key: string): Promise<FlowStatus> {
    const status = await this.flows.status(key, 'default');
    if (status === undefined) throw new Error(`There is no flow ${key}.`);
    return status;
  }

  async job(key: string, path: string): Promise<FlowJobStatus> {
    const found = jobsOf((await this.status(key)).root).find((job) => job.path === path);
    if (found === undefined) throw new Error(`There is no job ${path} in flow ${key}.`);
    return found;
  }

  async until(key: string, state: FlowStatus['state']): Promise<FlowStatus> {
    await eventually(async () => expect((await this.status(key)).state).toBe(state), 10_000);
    return this.status(key);
  }

  async untilJob(key: string, path: string, state: FlowJobStatus['state']): Promise<void> {
    await eventually(async () => expect((await this.job(key, path)).state).toBe(state), 10_000);
  }

  letters(): Promise<DeadLetter[]> {
    return this.app.get(Database).query.select().from(deadLetters).orderBy(asc(deadLetters.finishedAt));
  }

  /** Parks what has died, and sends back what one job died of last. */
  async redrive(jobId: string): Promise<RedriveOutcome | undefined> {
    await this.app.get(DeadLetterParker).turn();
    const letter = (await this.letters()).findLast((one) => one.jobId === jobId);
    const order = { by: 'tester', reason: 'the cause is gone', resetAttempts: true };
    return (await this.app.get(DeadLetterRedrive).redrive([letter?.id ?? ''], order))[0];
  }
}

export const part = (name: string, more: Partial<FlowChild> = {}): FlowChild => ({
  name,
  type: 'make-part',
  payload: { text: name },
  onFailure: 'fails-parent',
  ...more,
});

export const whole = (text: string, ...children: FlowChild[]): FlowNode => ({
  type: 'make-whole',
  payload: { text },
  children,
});

/** Fails the parts of these names. */
export const failing =
  (...names: string[]) =>
  ({ data }: Job<PartPayload>): Promise<unknown> =>
    names.includes(data.text)
      ? Promise.reject(new Error(`No part ${data.text}`))
      : Promise.resolve(data.text.toUpperCase());
