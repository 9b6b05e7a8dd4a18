import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { tortureRules, writeTortureFile, type TortureTruth } from '../../scripts/torture-file.mjs';
import { eventually } from '../support/eventually';
import type { ApiClient } from './api-client';
import { FaultScene } from './fault-scene';
import { holdValidationsUp, storedRows } from './database-client';

const rows = 50_000;
// Longer than the job's three attempts with their waits of 2 and 4 s, had each of them just failed.
const outageMs = 8_000;
const startDeadlineMs = 30_000;
const endDeadlineMs = 120_000;

describe('F41: PostgreSQL is killed in the middle of a validation and comes back', () => {
  const scene = new FaultScene();
  let api: ApiClient;
  let truth: TortureTruth;
  let file: string;

  beforeAll(async () => {
    await scene.open({ isPostgresOwn: true });
    file = join(scene.home, 'members.csv');
    truth = await writeTortureFile(file, rows);
    ({ api } = await scene.start());
  }, 120_000);

  afterAll(() => scene.close());

  it('completes the run with exact counts, and meanwhile jobs that need no database run on', async () => {
    await holdValidationsUp(scene.databaseUrl);
    const { validationId } = (await api.upload(file, tortureRules)).body as { validationId: string };
    await api.waitForProgress(validationId, startDeadlineMs);
    await scene.postgres?.kill();
    const isOver = pause(outageMs);

    expect((await api.get(`/api/validations/${validationId}`)).status).toBe(503);
    const refusal = await api.upload(file, tortureRules);
    expect(refusal).toMatchObject({ status: 503, type: 'application/problem+json' });
    const job = await api.addTestJob('meanwhile');
    expect(job.status).toBe(202);
    await api.waitForJob(String(job.body['id']), startDeadlineMs);
    expect((await api.get('/health/live')).status).toBe(200);

    await isOver;
    await scene.postgres?.restart();
    await eventually(
      async () => expect((await api.get(`/api/validations/${validationId}`)).status).toBe(200),
      startDeadlineMs,
    );
    const run = await api.waitForEnd(validationId, endDeadlineMs);
    expect(run).toMatchObject({ status: 'completed', rows: truth.rows });
    expect(await storedRows(scene.databaseUrl, validationId)).toEqual({ all: rows, distinct: rows });
  }, 240_000);
});
