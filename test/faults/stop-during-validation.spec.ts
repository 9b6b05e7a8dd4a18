import { join } from 'node:path';
import { tortureRules, writeTortureFile, type TortureTruth } from '../../scripts/torture-file.mjs';
import { FaultScene } from './fault-scene';
import { holdValidationsUp, storedRows } from './database-client';

const rows = 20_000;
const shutdownTimeoutMs = 1_000;
// The deadline, and what main.ts grants for closing sockets after it.
const exitDeadlineMs = shutdownTimeoutMs + 5_000;
const startDeadlineMs = 30_000;
const endDeadlineMs = 120_000;

describe('F06: SIGTERM in the middle of a validation', () => {
  const scene = new FaultScene();
  const start = () => scene.start({ SHUTDOWN_TIMEOUT_MS: String(shutdownTimeoutMs) });
  const waitingJobs = () => scene.redis.query((client) => client.lrange('bull:validation:wait', 0, -1));
  let truth: TortureTruth;
  let file: string;

  beforeAll(async () => {
    await scene.open();
    file = join(scene.home, 'members.csv');
    truth = await writeTortureFile(file, rows);
  }, 120_000);

  afterAll(() => scene.close());

  it('ends in time with exit code 0, and the job goes on after the restart without a burnt attempt', async () => {
    const first = await start();
    // However fast this machine is, the validation is not over before the deadline of the stop.
    const letGo = await holdValidationsUp(scene.databaseUrl);
    const { body } = await first.api.upload(file, tortureRules);
    const id = String(body['validationId']);
    await first.api.waitForProgress(id, startDeadlineMs);
    first.server.signal('SIGTERM');
    expect(await first.server.exit(exitDeadlineMs)).toEqual({ code: 0, signal: null });

    await letGo();
    // Given back by the one who stops, not taken away by a stalled check later.
    expect(await waitingJobs()).toEqual([body['jobId']]);

    const { api } = await start();
    const run = await api.waitForEnd(id, endDeadlineMs);
    expect(run).toMatchObject({ status: 'completed', rows: truth.rows });
    expect(await storedRows(scene.databaseUrl, id)).toEqual({ all: rows, distinct: rows });
    await api.waitForJob(run.jobId, endDeadlineMs);
    const job = (await api.get(`/api/queue/jobs/${run.jobId}`)).body;
    expect(job).toMatchObject({ attempts: { made: 1 } });
  }, 240_000);
});
