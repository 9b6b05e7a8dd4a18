import { sql } from 'drizzle-orm';
import { createHash, randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { TestingModule } from '@nestjs/testing';
import { DatabaseModule } from '../../src/platform/database/database.module';
import { Database } from '../../src/platform/database/database.service';
import { FileCleaner } from '../../src/platform/files/file-cleaner.service';
import { newFileId } from '../../src/platform/files/file-id';
import { FILES } from '../../src/platform/files/files.service';
import { FilesModule } from '../../src/platform/files/files.module';
import { LeaderModule } from '../../src/platform/leader/leader.module';
import { FileStorage } from '../../src/platform/storage/file-storage.service';
import { StorageModule } from '../../src/platform/storage/storage.module';
import { fillLedger } from '../integration/tasks/data-export-scene';
import { eventually } from '../support/eventually';
import { startQueueApp } from '../support/queue-app';
import { S3Server } from '../support/s3-server';
import type { ApiClient } from './api-client';
import { query } from './database-client';
import { FaultScene } from './fault-scene';

const RECOVERY_MS = 60_000;
const DAY_MS = 86_400_000;
const SOURCE_BYTES = 17 * 1024 * 1024;
const ROWS = 130_000;

interface Row {
  readonly id: string;
  readonly blob: string;
  readonly bytes: string;
  readonly sha256: string;
}

describe('a worker that is killed while it sends files to a bucket', () => {
  const scene = new FaultScene();
  let s3: S3Server;
  let api: ApiClient;
  let url: string;
  let sweeper: TestingModule;
  const settings = () => ({ LOG_LEVEL: 'warn', SHUTDOWN_TIMEOUT_MS: '5000', ...s3.settings });

  beforeAll(async () => {
    s3 = await S3Server.start();
    await scene.open();
    const started = await scene.start({ ...settings(), ROLE: 'api' });
    api = started.api;
    url = started.server.url;
    const modules = [DatabaseModule.forRoot([]), LeaderModule, StorageModule, FilesModule];
    sweeper = await startQueueApp(modules, {
      HOLDFAST_HOME: scene.home,
      REDIS_URL: scene.redis.url,
      DATABASE_URL: scene.databaseUrl,
      ...s3.settings,
    });
    await fillLedger(sweeper.get(Database), 'default', ROWS);
  }, 120_000);
  afterAll(async () => {
    await sweeper.close();
    await scene.close();
    await s3.close();
  });

  const add = async (type: string, data: object): Promise<string> => {
    const { status, body } = await api.call('POST', '/api/queue/jobs', { type, data });
    expect({ type, status, errors: body['errors'] }).toEqual({ type, status: 202, errors: undefined });
    return String(body['id']);
  };
  const rows = (jobs: string[]) =>
    query<Row>(scene.databaseUrl, 'SELECT id, blob, bytes, sha256 FROM stored_files WHERE job_id = ANY($1)', [
      jobs,
    ]);
  const contentOf = async (id: string) => {
    const answer = await fetch(`${url}/api/files/${id}/content`);
    return Buffer.from(await answer.arrayBuffer());
  };

  it('is followed by another, which ends each job with one file, and a sweep leaves nothing that no row names', async () => {
    const content = randomBytes(SOURCE_BYTES);
    const form = new FormData();
    form.append('file', new Blob([content]), 'measurements.bin');
    const upload = await api.call('POST', '/api/files', form, 30_000);
    const processed = { filePath: upload.body['id'], operation: 'compress', options: { level: 1 } };
    const exported = { exportType: 'csv', source: 'jobs', filters: { queue: 'default' } };
    const [cutFile, wholeFile] = [await add('FILE_PROCESS', processed), await add('FILE_PROCESS', processed)];
    const [cutExport, wholeExport] = [await add('DATA_EXPORT', exported), await add('DATA_EXPORT', exported)];
    const files = [cutFile, wholeFile].map((id) => newFileId(`file-process/${id}`));
    const exports = [cutExport, wholeExport].map((id) => newFileId(`data-export\0${id}`));
    // Of each kind one is cut in the middle, and of the other everything is in the bucket and its row is not written.
    for (const [cut = '', whole = ''] of [files, exports]) {
      s3.fail((line) => line.includes(cut) && line.includes('partNumber=2'), 'hang');
      s3.fail(
        (line) => line.startsWith('POST') && line.includes(whole) && line.includes('?uploadId='),
        'mute',
      );
    }
    const first = await scene.start({ ...settings(), ROLE: 'worker' });
    await eventually(() => {
      expect(s3.trapped).toHaveLength(4);
      // The answer that nobody hears comes with the end of its upload.
      expect([...s3.openUploads]).toHaveLength(2);
    }, 60_000);
    await first.server.kill();
    s3.forgive();
    expect(await rows([cutFile, wholeFile, cutExport, wholeExport])).toEqual([]);

    await scene.start({ ...settings(), ROLE: 'worker' });
    const jobs = [cutFile, wholeFile, cutExport, wholeExport];
    for (const id of jobs) await api.waitForJob(id, RECOVERY_MS);

    const made = await rows(jobs);
    expect(made.map(({ id }) => id).toSorted()).toEqual([...files, ...exports].toSorted());
    for (const { id, bytes, sha256 } of made) {
      const stored = await contentOf(id);
      expect([stored.length, createHash('sha256').update(stored).digest('hex')]).toEqual([
        Number(bytes),
        sha256,
      ]);
      if (files.includes(id)) expect(gunzipSync(stored).equals(content)).toBe(true);
      else expect(new Set(stored.toString().match(/^default_default\d+(?=,)/gm)).size).toBe(ROWS);
    }
    const left = await objects();
    const named = new Set(await allBlobs());
    const orphans = left.filter((name) => !named.has(name));
    process.stdout.write(
      `BUCKET-KILLED jobs=${jobs.length} completed=${jobs.length} files=${made.length} ` +
        `orphans=${orphans.length} unfinished=${[...s3.openUploads].length}\n`,
    );
    // What the killed one has left: without a sweep it would cost room for ever.
    expect([orphans.length, [...s3.openUploads].length]).toEqual([2, 2]);

    s3.openUploads.age(2 * DAY_MS);
    await sweeper.get(FileCleaner).removeOrphans(-2 * DAY_MS);
    expect([...s3.openUploads]).toEqual([]);
    expect((await objects()).toSorted()).toEqual([...named].toSorted());
    expect(s3.refusals).toEqual([]);
    for (const { id, bytes } of made) expect((await contentOf(id)).length).toBe(Number(bytes));
  }, 240_000);

  const allBlobs = async () => {
    const { rows: found } = await sweeper
      .get(Database)
      .query.execute<{ blob: string }>(sql`SELECT blob FROM stored_files`);
    return found.map(({ blob }) => blob);
  };
  const objects = async () => {
    const found: string[] = [];
    await sweeper.get(FileStorage).sweep(FILES, -2 * DAY_MS, (group) => {
      found.push(...group.map(({ name }) => name));
      return Promise.resolve([]);
    });
    return found;
  };
});
