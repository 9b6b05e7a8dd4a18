import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { Worker, type Job, type Queue } from 'bullmq';
import { getQueueToken } from '@nestjs/bullmq';
import { sql } from 'drizzle-orm';
import { Database } from '../../../src/platform/database/database.service';
import { outbox } from '../../../src/platform/outbox/outbox.tables';
import { jobId } from '../../../src/platform/queue/job-id';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { FileStorage } from '../../../src/platform/storage/file-storage.service';
import { WorkerRunner, type JobFailureListener } from '../../../src/platform/worker/worker-runner.service';
import { newRunId } from '../../../src/workloads/validation/run-id';
import { uploadOf } from '../../../src/workloads/validation/validation-files';
import { ValidationReconciler } from '../../../src/workloads/validation/validation-reconciler.service';
import {
  ValidationRunStore,
  type ValidationRun,
} from '../../../src/workloads/validation/validation-run.store';
import { validationRuns } from '../../../src/workloads/validation/validation.tables';
import { eventually } from '../../support/eventually';
import { startTestServer, type TestServer } from '../../support/server';

describe('runs and their jobs after a crash', () => {
  let server: TestServer;
  let queue: Queue;
  let runs: ValidationRunStore;
  let database: Database;
  let reconciler: ValidationReconciler;

  beforeAll(async () => {
    // No worker: whatever happens to a job here is done by the test.
    server = await startTestServer({ ROLE: 'api' });
    queue = server.app.get<Queue>(getQueueToken('validation'), { strict: false });
    runs = server.app.get(ValidationRunStore, { strict: false });
    database = server.app.get(Database);
    reconciler = server.app.get(ValidationReconciler, { strict: false });
  });

  afterAll(() => server.close());

  afterEach(async () => {
    await queue.obliterate({ force: true });
    await database.query.delete(outbox);
    await database.query.delete(validationRuns);
  });

  const jobOf = (run: ValidationRun) => server.app.get(JobReader).read(run.jobId ?? '');

  const waitingRun = async () => {
    const run = await runs.create({
      id: newRunId(),
      tenant: 'default',
      fileId: randomUUID(),
      fileName: 'a.csv',
      fileBytes: 1,
    });
    await eventually(async () => expect((await jobOf(run))?.state).toBe('waiting'), 5_000);
    return run;
  };

  const set = (run: ValidationRun, status: 'queued' | 'processing') =>
    database.query
      .update(validationRuns)
      .set({ status, updatedAt: sql`now() - interval '1 minute'` })
      .where(sql`${validationRuns.id} = ${run.id}`);

  const fresh = async ({ id }: ValidationRun) => (await runs.find(id))!;

  /** Takes the job as a worker would, and ends it as told. */
  const take = async (run: ValidationRun, end: 'fail' | 'hold') => {
    const token = randomUUID();
    const runner = new Worker('validation', undefined, {
      connection: server.app.get(RedisConnections).worker,
      prefix: queue.opts.prefix,
      autorun: false,
      skipVersionCheck: true,
    });
    const job = await runner.getNextJob(token);
    if (job === undefined) throw new Error('There was no job to take.');
    expect(job.id).toBe(run.jobId);
    if (end === 'fail') {
      job.opts.attempts = 1;
      await job.moveToFailed(new Error('job stalled more than allowable limit'), token, false);
    }
    await runner.close(true);
  };

  it('fails a run whose job failed without its handler', async () => {
    const run = await waitingRun();
    await take(run, 'fail');
    await set(run, 'processing');
    await reconciler.reconcile();
    expect(await fresh(run)).toMatchObject({
      status: 'failed',
      errorMessage: 'The workers of this run stopped again and again while they worked on it.',
    });
  });

  it('promises a lost job again, once, under the same id', async () => {
    const run = await waitingRun();
    await queue.remove(run.jobId!);
    await set(run, 'processing');
    await Promise.all([reconciler.reconcile(), reconciler.reconcile()]);
    expect((await fresh(run)).status).toBe('queued');
    await eventually(async () => expect((await jobOf(run))?.state).toBe('waiting'), 5_000);
    expect(run.jobId).toBe(jobId('validation', `validation-${run.id}`));
    // The row goes with the commit, a moment after its job is there.
    await eventually(async () => expect(await database.query.select().from(outbox)).toEqual([]));
  });

  it('gives a run back to its queue whose worker went away while the job waits for another', async () => {
    const run = await waitingRun();
    await set(run, 'processing');
    await reconciler.reconcile();
    const after = await fresh(run);
    expect(after).toMatchObject({ status: 'queued', progress: 0, stage: null });
    expect(after.version).toBeGreaterThan(run.version);
  });

  it('leaves a run alone that a worker holds, and one that only waits', async () => {
    const held = await waitingRun();
    await take(held, 'hold');
    await set(held, 'processing');
    const waiting = await waitingRun();
    await set(waiting, 'queued');
    const before = [await fresh(held), await fresh(waiting)];
    await reconciler.reconcile();
    expect([await fresh(held), await fresh(waiting)]).toEqual(before);
  });

  it('does not touch a run that something happened to just now', async () => {
    const run = await waitingRun();
    await queue.remove(run.jobId!);
    await reconciler.reconcile();
    expect(await jobOf(run)).toBeUndefined();
  });

  it('tells the run at once when its job failed for the last time', async () => {
    const run = await waitingRun();
    await take(run, 'hold');
    const runner: object = server.app.get(WorkerRunner);
    const { failureListeners } = runner as { failureListeners: JobFailureListener[] };
    const job = { queueName: 'validation', data: { validationRunId: run.id } } as Job;
    failureListeners.forEach((tell) => tell(job, new Error('no handler'), true));
    await eventually(async () =>
      expect(await fresh(run)).toMatchObject({
        status: 'failed',
        errorMessage: 'The job of this run failed: no handler.',
      }),
    );
  });

  it('adds a job that a killed relay had only promised, once', async () => {
    const run = await waitingRun();
    await queue.remove(run.jobId!);
    // As after a kill between the commit and the add: the promise stands, the job does not.
    const payload = { validationRunId: run.id, fileName: 'a.csv' };
    const promise = { jobType: 'validate-file', key: `validation-${run.id}`, payload, correlationId: 'test' };
    await database.query.insert(outbox).values([promise, promise]);
    await eventually(async () => expect((await jobOf(run))?.state).toBe('waiting'), 5_000);
    await eventually(async () => expect(await database.query.select().from(outbox)).toEqual([]), 5_000);
    expect((await queue.getJobCounts('waiting')).waiting).toBe(1);
  });

  it('waits for a promise that is still on its way instead of making a second one', async () => {
    const run = await waitingRun();
    await queue.remove(run.jobId!);
    await set(run, 'queued');
    const values = {
      jobType: 'no-such-type',
      key: `validation-${run.id}`,
      payload: {},
      correlationId: 'test',
    };
    await database.query.insert(outbox).values(values);
    await reconciler.reconcile();
    expect(await database.query.select({ jobType: outbox.jobType }).from(outbox)).toEqual([
      { jobType: 'no-such-type' },
    ]);
    await database.query.delete(outbox);
  });

  it('keeps an upload in the storage until somebody has decided about its run', async () => {
    const run = await waitingRun();
    const storage = server.app.get(FileStorage);
    await writeFile((await storage.localCopy(uploadOf(run))).path, 'a\n1\n');
    await reconciler.reconcile();
    expect(await storage.has(uploadOf(run))).toBe(true);
  });
});
