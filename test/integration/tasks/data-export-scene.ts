import { Injectable, Module } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { sql } from 'drizzle-orm';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { DatabaseModule } from '../../../src/platform/database/database.module';
import { Database } from '../../../src/platform/database/database.service';
import { EffectsModule, effectsMigrations } from '../../../src/platform/effects/effects.module';
import { ExportSource } from '../../../src/platform/exports/export-source';
import { ExportsModule } from '../../../src/platform/exports/exports.module';
import { fileMigrations, FilesModule } from '../../../src/platform/files/files.module';
import { Files } from '../../../src/platform/files/files.service';
import { LeaderModule } from '../../../src/platform/leader/leader.module';
import { JobsExportSource } from '../../../src/platform/ledger/jobs-export.source';
import { ledgerMigrations } from '../../../src/platform/ledger/ledger.module';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { StorageModule } from '../../../src/platform/storage/storage.module';
import { DataExportModule } from '../../../src/workloads/tasks/data-export/data-export.module';
import type { DataExportPayload } from '../../../src/workloads/tasks/data-export/data-export.payload';
import { DataExportProducer } from '../../../src/workloads/tasks/data-export/data-export.producer';
import type { DataExportResult } from '../../../src/workloads/tasks/data-export/data-export.service';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

/** A source as an application adds one: a table of its own, with every type of column. */
@Injectable()
export class CellsSource extends ExportSource {
  readonly name = 'cells';
  readonly description = 'Cells that tests write.';
  readonly rows = sql`cells`;
  readonly tenant = sql`cells.tenant`;
  readonly order = sql`cells.id`;
  readonly columns = {
    id: { type: 'number', value: sql`cells.id` },
    text: { type: 'text', value: sql`cells.text` },
    amount: { type: 'number', value: sql`cells.amount` },
    isRight: { type: 'boolean', value: sql`cells.is_right` },
    at: { type: 'time', value: sql`cells.at` },
    // Takes 20 ms a row, so that a test can come in between.
    slow: { type: 'text', value: sql`(SELECT 'slow' FROM pg_sleep(cells.id * 0 + 0.02))` },
    broken: { type: 'number', value: sql`(1 / (cells.id - 100))` },
  } as const;
  readonly filters: ExportSource['filters'] = {
    text: { type: 'text', where: (value) => sql`cells.text = ${value}` },
    minId: { type: 'number', where: (value) => sql`cells.id >= ${value}` },
    isRight: { type: 'boolean', where: (value) => sql`cells.is_right = ${value}` },
    since: { type: 'time', where: (value) => sql`cells.at >= ${value}` },
  };
}

@Module({ providers: [CellsSource, JobsExportSource] })
class SourcesModule {}

/** The queue data-export on a real Redis, a real PostgreSQL and a storage of its own. */
export class ExportScene {
  readonly prefix = randomPrefix();
  readonly apps: TestingModule[] = [];
  database!: TestDatabase;
  home = '';

  async start(overrides: Record<string, string> = {}): Promise<TestingModule> {
    this.database ??= await createTestDatabase();
    this.home ||= await mkdtemp(join(tmpdir(), 'holdfast-export-'));
    const migrations = [effectsMigrations, ledgerMigrations, fileMigrations];
    const modules = [LeaderModule, EffectsModule, StorageModule, FilesModule, ExportsModule, SourcesModule];
    const app = await startQueueApp([DatabaseModule.forRoot(migrations), ...modules, DataExportModule], {
      REDIS_PREFIX: this.prefix,
      DATABASE_URL: this.database.url,
      HOLDFAST_HOME: this.home,
      ...overrides,
    });
    this.apps.push(app);
    await app.get(Database).query.execute(sql`CREATE TABLE IF NOT EXISTS cells (
      tenant text NOT NULL, id integer NOT NULL, text text, amount numeric, is_right boolean, at timestamptz)`);
    return app;
  }

  async end(): Promise<void> {
    const [first] = this.apps;
    if (first !== undefined) await removeKeys(first, this.prefix);
    for (const app of this.apps) await app.close();
    await this.database.drop();
    await rm(this.home, { recursive: true, force: true });
  }
}

// A statement of the pool may take 10 s.
const ROWS_AT_ONCE = 50_000;

/** Adds `rows` finished jobs of a tenant to the history. */
export async function fillLedger(
  { query }: Pick<Database, 'query'>,
  tenant: string,
  rows: number,
): Promise<void> {
  for (let from = 1; from <= rows; from += ROWS_AT_ONCE) {
    await query.execute(sql`
      INSERT INTO ledger_jobs (id, created_at, tenant, queue, type, state, priority, finished_at, run_ms, attempts_made,
        attempts_max, starts, result, result_omitted, correlation_id, generation, version, observed_at)
      SELECT 'default_' || ${tenant}::text || n, now() - n * interval '1 ms', ${tenant}::text, 'default', 'test-job',
        'completed', 'normal', now(), n % 1000, 1, 3, 1, '{"message":"row ' || n || '"}', false, 'c' || n, 0, 1, 0
      FROM generate_series(${from}::int, ${Math.min(rows, from + ROWS_AT_ONCE - 1)}::int) n`);
  }
}

export async function addExport(app: TestingModule, payload: DataExportPayload, tenant = 'default') {
  return (await app.get(DataExportProducer).addDataExport(payload, { tenant })).id ?? '';
}

/** Waits until a job is over, however it ends. */
export async function ended(app: TestingModule, id: string, timeoutMs = 60_000) {
  await eventually(async () => {
    const job = await app.get(JobReader).read(id);
    expect(['completed', 'failed', 'cancelled']).toContain(job?.state);
  }, timeoutMs);
  return (await app.get(JobReader).read(id))!;
}

export async function bytesOf(app: TestingModule, fileId: string, tenant = 'default'): Promise<Buffer> {
  const record = await app.get(Files).find(fileId, tenant);
  const file = record === undefined ? undefined : await app.get(Files).open(record);
  if (file === undefined) throw new Error(`There is no file ${fileId}.`);
  try {
    return await buffer(file.stream());
  } finally {
    await file.close();
  }
}

/** The file that a payload becomes. */
export async function exported(app: TestingModule, payload: DataExportPayload, tenant = 'default') {
  const job = await ended(app, await addExport(app, payload, tenant));
  if (job.state !== 'completed') throw new Error(JSON.stringify(job));
  const result = job.result as DataExportResult;
  return { job, result, bytes: await bytesOf(app, result.fileId, tenant) };
}
