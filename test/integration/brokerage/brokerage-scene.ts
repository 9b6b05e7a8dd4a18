import { Client } from 'pg';
import type { TestingModule } from '@nestjs/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseModule } from '../../../src/platform/database/database.module';
import { EffectsModule, effectsMigrations } from '../../../src/platform/effects/effects.module';
import { fileMigrations, FilesModule } from '../../../src/platform/files/files.module';
import { HttpClientModule } from '../../../src/platform/http-client/http-client.module';
import { LeaderModule } from '../../../src/platform/leader/leader.module';
import { LimitsModule } from '../../../src/platform/limits/limits.module';
import { OutboxModule, outboxMigrations } from '../../../src/platform/outbox/outbox.module';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import type { JobSnapshot } from '../../../src/platform/queue/job-snapshot';
import { SecretsModule } from '../../../src/platform/secrets/secrets.module';
import { StorageModule } from '../../../src/platform/storage/storage.module';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { authMigrations, AuthStoresModule } from '../../../src/platform/auth/auth-stores.module';
import { brokerageMigrations, BrokerageModule } from '../../../src/workloads/brokerage/brokerage.module';
import { createTestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

export interface BrokerageScene {
  readonly app: TestingModule;
  /** Waits for the end of a job. */
  ended(jobId: string, timeoutMs?: number): Promise<JobSnapshot>;
  rows<T extends object>(statement: string, values?: unknown[]): Promise<T[]>;
  close(): Promise<void>;
}

/** The domain on a real Redis and a real PostgreSQL, with its workers. */
export async function startBrokerage(overrides: Record<string, string> = {}): Promise<BrokerageScene> {
  const prefix = randomPrefix();
  const database = await createTestDatabase();
  const home = await mkdtemp(join(tmpdir(), 'holdfast-brokerage-'));
  const folders = [authMigrations, outboxMigrations, effectsMigrations, fileMigrations, brokerageMigrations];
  const platform = [LeaderModule, LimitsModule, AuthStoresModule, EffectsModule, OutboxModule, SecretsModule];
  const app = await startQueueApp(
    [
      DatabaseModule.forRoot(folders),
      ...platform,
      HttpClientModule,
      StorageModule,
      FilesModule,
      BrokerageModule,
    ],
    { REDIS_PREFIX: prefix, DATABASE_URL: database.url, HOLDFAST_HOME: home, ...overrides },
  );
  app.get(WorkerRunner).startChosen();
  const client = new Client({ connectionString: database.url });
  await client.connect();
  return {
    app,
    ended: async (jobId, timeoutMs = 30_000) => {
      await eventually(async () => {
        const job = await app.get(JobReader).read(jobId);
        expect(['completed', 'failed', 'cancelled']).toContain(job?.state);
      }, timeoutMs);
      return (await app.get(JobReader).read(jobId))!;
    },
    rows: async <T extends object>(statement: string, values: unknown[] = []) =>
      (await client.query<T>(statement, values)).rows,
    close: async () => {
      await client.end();
      await removeKeys(app, prefix);
      await app.close();
      await database.drop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
