import { getQueueToken } from '@nestjs/bullmq';
import type { TestingModule } from '@nestjs/testing';
import type { Job, Queue } from 'bullmq';
import { sql } from 'drizzle-orm';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Database } from '../../../src/platform/database/database.service';
import { newFileId } from '../../../src/platform/files/file-id';
import { Files } from '../../../src/platform/files/files.service';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { JobCancellation } from '../../../src/platform/worker/job-cancellation.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import type { DataExportPayload } from '../../../src/workloads/tasks/data-export/data-export.payload';
import { DataExportProcessor } from '../../../src/workloads/tasks/data-export/data-export.processor';
import { eventually } from '../../support/eventually';
import { removeKeys } from '../../support/queue-app';
import { addExport, ended, exported, ExportScene, fillLedger } from './data-export-scene';

const slow: DataExportPayload = { exportType: 'csv', source: 'cells', columns: ['id', 'slow'] };

describe('the queue data-export', () => {
  const scene = new ExportScene();
  let app: TestingModule;

  beforeAll(async () => {
    app = await scene.start();
    app.get(WorkerRunner).startChosen();
    await app.get(Database).query.execute(sql`
      INSERT INTO cells SELECT 'default', n, 'text ' || n, n, true, now() FROM generate_series(1, 2000) n`);
  });
  afterAll(() => scene.end());

  const stored = async () => {
    const tenants = await readdir(join(scene.home, 'storage', 'files')).catch(() => []);
    const names = await Promise.all(
      tenants.map((tenant) => readdir(join(scene.home, 'storage', 'files', tenant))),
    );
    return names.flat();
  };
  const copies = async () => {
    const { rows } = await app.get(Database).query.execute(sql`
      SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'holdfast-export'`);
    return rows.length;
  };
  const untilWriting = () =>
    eventually(async () => expect((await stored()).filter((name) => name.endsWith('.part'))).toHaveLength(1));

  it('answers with the file, which is the job’s, under an id that follows from the job', async () => {
    const { job, result } = await exported(app, { exportType: 'csv', source: 'cells', columns: ['id'] });
    expect(result).toEqual({
      fileId: newFileId(`data-export\0${job.id}`),
      name: expect.stringMatching(/^cells-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.csv$/),
      rows: 2_000,
      bytes: expect.any(Number),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      contentType: 'text/csv',
      expiresAt: expect.any(String),
      links: { download: `/api/files/${result.fileId}/content`, share: `/api/files/${result.fileId}/links` },
    });
    expect(await app.get(Files).find(result.fileId, 'default')).toMatchObject({
      jobId: job.id,
      createdBy: 'local',
      bytes: result.bytes,
      sha256: result.sha256,
    });
    expect(await app.get(Files).find(result.fileId, 'other')).toBeUndefined();
    expect(job.progress).toEqual({ percent: 100, stage: 'done', rows: 2_000 });
  });

  it.each([
    [{ source: 'nothing' }, '/source', 'does not exist: use cells, jobs'],
    [{ columns: ['id', 'payload'] }, '/columns/1', 'does not exist: use id, key, queue'],
    [{ columns: ['id', 'id'] }, '/columns/1', 'second time'],
    [{ filters: { tenant: 'other' } }, '/filters/tenant', 'does not exist: use queue, type'],
    [{ filters: { queue: 7 } }, '/filters/queue', 'must be a text of 1 to 255 characters'],
    [{ filters: { queue: ['a', { b: 1 }] } }, '/filters/queue/1', 'must be a text'],
    [{ filters: { queue: [] } }, '/filters/queue', 'list of 1 to 50'],
    [{ filters: { createdFrom: '2026-01-31' } }, '/filters/createdFrom', 'must be a time with its zone'],
    [{ filters: { createdFrom: '0000-01-01T00:00:00Z' } }, '/filters/createdFrom', 'must be a time'],
    [{ filters: { minRunMs: 'many' } }, '/filters/minRunMs', 'must be a number'],
    [{ filters: { 'toString/~': 1 } }, '/filters/toString~1~0', 'does not exist'],
  ])('refuses %j before it is stored, with the names that exist', async (payload, pointer, detail) => {
    await expect(addExport(app, { exportType: 'csv', ...payload })).rejects.toMatchObject({
      errors: [{ pointer, detail: expect.stringContaining(detail) }],
    });
  });

  it('stops as soon as it is cancelled, in PostgreSQL, too, and leaves no file', async () => {
    const before = await stored();
    const id = await addExport(app, slow);
    await untilWriting();
    await app.get(JobCancellation).cancel(id, { reason: 'enough', by: 'test' });
    expect((await ended(app, id, 5_000)).state).toBe('cancelled');
    await eventually(async () => expect(await stored()).toEqual(before));
    await eventually(async () => expect(await copies()).toBe(0), 10_000);
    expect(await app.get(Files).find(newFileId(`data-export\0${id}`), 'default')).toBeUndefined();
  });

  it('tries again what failed on the way, and leaves one file', async () => {
    const before = await stored();
    const { query } = app.get(Database);
    await query.execute(sql`ALTER TABLE cells RENAME TO cells_away`);
    const id = await addExport(app, { exportType: 'xlsx', source: 'cells', columns: ['id', 'text'] });
    await eventually(async () => expect((await app.get(JobReader).read(id))?.attemptsMade).toBe(1), 10_000);
    await query.execute(sql`ALTER TABLE cells_away RENAME TO cells`);
    expect(await ended(app, id)).toMatchObject({ state: 'completed', attemptsMade: 2 });
    expect((await stored()).length).toBe(before.length + 1);
  });

  it('fails after its last attempt where a row cannot be read, without a part of the file', async () => {
    const before = await stored();
    const id = await addExport(app, { exportType: 'xlsx', source: 'cells', columns: ['id', 'broken'] });
    const job = await ended(app, id);
    expect(job).toMatchObject({ state: 'failed', attemptsMade: 3 });
    expect(job.failedReason).toContain('division by zero');
    expect(await stored()).toEqual(before);
    expect(await copies()).toBe(0);
  });

  it('fails at once where the file would be too large, and where a name has gone since', async () => {
    const small = await scene.start({ EXPORT_MAX_BYTES: '1000', REDIS_PREFIX: `${scene.prefix}-small` });
    const before = await stored();
    small.get(WorkerRunner).startChosen();
    const id = await addExport(small, { exportType: 'csv', source: 'cells', columns: ['id', 'text'] });
    const tooLarge = await ended(small, id);
    expect(tooLarge).toMatchObject({ state: 'failed', attemptsMade: 1 });
    expect(tooLarge.failedReason).toContain('larger than 1000 bytes');
    expect(await stored()).toEqual(before);
    // A payload that was stored by a process with another source.
    const { producer } = small.get(RedisConnections);
    await producer.hset(
      `${scene.prefix}-small:data-export:${id}`,
      'data',
      '{"exportType":"csv","source":"gone"}',
    );
    await (await small.get<Queue>(getQueueToken('data-export')).getJob(id))!.retry('failed', {
      resetAttemptsMade: true,
    });
    await eventually(async () => {
      const job = await small.get(JobReader).read(id);
      expect(job).toMatchObject({ state: 'failed', attemptsMade: 1 });
      expect(job?.failedReason).toBe('/source does not exist: use cells, jobs');
    }, 10_000);
    await removeKeys(small, `${scene.prefix}-small`);
  });

  it('does what was done once, when the job starts again after its file was written', async () => {
    const { job, result } = await exported(app, { exportType: 'csv', source: 'cells', columns: ['id'] });
    const before = await stored();
    const processor = app.get(DataExportProcessor);
    const twin = {
      ...job,
      queueName: 'data-export',
      name: 'DATA_EXPORT',
      data: JSON.parse(job.data) as object,
    };
    const again = {
      ...twin,
      timestamp: job.createdAt,
      processedOn: Date.now(),
      attemptsStarted: 2,
      opts: {},
    };
    await expect(processor.process(again as unknown as Job)).resolves.toEqual(result);
    expect(await stored()).toEqual(before);
  });

  it('takes as much memory for 200,000 rows as for 50,000', async () => {
    const peakOf = async (tenant: string, rows: number) => {
      await fillLedger(app.get(Database), tenant, rows);
      let peak = 0;
      const sampling = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
      try {
        for (const exportType of ['csv', 'xlsx'] as const) {
          const { result } = await exported(
            app,
            { exportType, columns: ['id', 'queue', 'createdAt', 'runMs'] },
            tenant,
          );
          expect(result.rows).toBe(rows);
        }
      } finally {
        clearInterval(sampling);
      }
      return peak;
    };
    const few = await peakOf('few', 50_000);
    const many = await peakOf('many', 200_000);
    process.stdout.write(`data-export peak MB few=${Math.round(few / 1e6)} many=${Math.round(many / 1e6)}\n`);
    expect(many - few).toBeLessThan(150_000_000);
  }, 120_000);
});
