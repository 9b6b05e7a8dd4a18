import type { Queue } from 'bullmq';
import { Client } from 'pg';
import { jobId } from '../../src/platform/queue/job-id';
import { JobReader } from '../../src/platform/queue/job-reader.service';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { WorkerRunner } from '../../src/platform/worker/worker-runner.service';
import { CsvValidationProducer } from '../../src/workloads/validation/csv-validation/csv-validation.producer';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';
import { ValidationClient } from '../support/validation-client';
import { holdTable } from './table-locks';

// What the document promises, times ten: this is a guard, not a measurement.
const acceptedWithinMs = 1_000;
const csv = 'id,name\n1,Ada\n';

describe('document 002, before a worker runs', () => {
  let server: TestServer;
  let client: ValidationClient;
  let database: Client;
  let queue: Queue;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api' });
    client = new ValidationClient(server.url);
    queue = server.app.get(QueueRegistry).get('validation')!.queue;
    database = new Client({ connectionString: server.settings.DATABASE_URL });
    await database.connect();
  });

  afterAll(async () => {
    await database.end();
    await server.close();
  });

  const columnsOf = async (table: string) => {
    const { rows } = await database.query<{ name: string; what: string }>(
      `SELECT column_name AS name, concat_ws(' ', data_type, CASE is_nullable WHEN 'NO' THEN 'NOT NULL' END,
              'DEFAULT ' || column_default) AS what
         FROM information_schema.columns WHERE table_name = $1`,
      [table],
    );
    return Object.fromEntries(rows.map(({ name, what }) => [name, what]));
  };

  it('POST /api/validations answers 202 at once, with the run queued and its job waiting', async () => {
    await client.send(client.form(csv));
    const startedAt = performance.now();
    const { status, body } = await client.send(client.form(csv));
    expect(performance.now() - startedAt).toBeLessThan(acceptedWithinMs);
    expect(status).toBe(202);
    const { validationId, jobId: job } = body;
    expect(body).toMatchObject({
      validationId: expect.any(String),
      status: 'queued',
      jobId: expect.any(String),
    });
    expect(await client.read(validationId)).toMatchObject({ validationId, status: 'queued', progress: 0 });
    await eventually(async () => expect((await server.app.get(JobReader).read(job))?.state).toBe('waiting'));
  });

  it('table validation_runs has the columns, types and defaults of the document', async () => {
    expect(await columnsOf('validation_runs')).toMatchObject({
      id: 'uuid NOT NULL',
      file_id: 'uuid NOT NULL',
      file_name: 'text NOT NULL',
      status: `text NOT NULL DEFAULT 'queued'::text`,
      progress: 'numeric NOT NULL DEFAULT 0',
      job_id: 'text',
      error_message: 'text',
      // The document says TIMESTAMP; with a zone its statements mean the same wherever the session is.
      created_at: 'timestamp with time zone NOT NULL DEFAULT now()',
      updated_at: 'timestamp with time zone NOT NULL DEFAULT now()',
    });
    const { rows } = await database.query(
      `SELECT column_name FROM information_schema.table_constraints
         JOIN information_schema.key_column_usage USING (constraint_name, table_name)
        WHERE table_name = 'validation_runs' AND constraint_type = 'PRIMARY KEY'`,
    );
    expect(rows).toEqual([{ column_name: 'id' }]);
  });

  it('table validation_logs has the columns that the document asks for', async () => {
    expect(await columnsOf('validation_logs')).toMatchObject({
      validation_run_id: 'uuid NOT NULL',
      source: 'text NOT NULL',
      timestamp: 'timestamp with time zone NOT NULL DEFAULT now()',
    });
  });

  it.each([
    `SELECT id, status, progress, job_id FROM validation_runs ORDER BY created_at DESC LIMIT 5`,
    `SELECT id, status, job_id, progress FROM validation_runs WHERE status = 'processing'`,
    `SELECT * FROM validation_logs WHERE validation_run_id = '00000000-0000-0000-0000-000000000000'
       AND source = 'worker' ORDER BY timestamp DESC LIMIT 20`,
  ])('the document’s own statement works: %s', async (statement) => {
    await expect(database.query(statement)).resolves.toHaveProperty('rows');
  });

  it('queue "validation" holds the job: an id derived from validation-<uuid>, the run and the file name, no more', async () => {
    const id = await client.upload(csv, undefined, 'my members.csv');
    const stored = await eventuallyJob(jobId('validation', `validation-${id}`));
    expect(queue.name).toBe('validation');
    expect(stored.data).toEqual({ validationRunId: id, fileName: 'my members.csv' });
    expect((await client.read(id)).jobId).toBe(stored.id);
  });

  it('the job has 3 attempts, two waits of 2 s and 4 s, and leaves its removal to the queue', async () => {
    const id = await client.upload(csv);
    const { opts } = await eventuallyJob(jobId('validation', `validation-${id}`));
    expect(opts).toMatchObject({ attempts: 3, backoff: { type: 'exponential', delay: 2_000 } });
    expect(opts).not.toHaveProperty('removeOnComplete');
    expect(opts).not.toHaveProperty('removeOnFail');
  });

  it('completed jobs stay an hour and 100 at most, failed ones a day and 1,000 at most', async () => {
    const { body } = await client.call('/api/queues/validation');
    expect(body['retention']).toEqual({
      completed: { ageMs: 3_600_000, count: 100 },
      failed: { ageMs: 86_400_000, count: 1_000 },
    });
  });

  it('getJobStatus(id) gives exactly id, state, progress and data, by job id and by validation-<uuid>', async () => {
    const id = await client.upload(csv);
    const { jobId: own } = await client.read(id);
    const producer = server.app.get(CsvValidationProducer, { strict: false });
    const status = {
      id: own,
      state: 'waiting',
      progress: 0,
      data: { validationRunId: id, fileName: 'members.csv' },
    };
    await eventually(async () => expect(await producer.getJobStatus(own)).toEqual(status));
    expect(await producer.getJobStatus(`validation-${id}`)).toEqual(status);
    expect(await producer.getJobStatus('validation-unknown')).toBeUndefined();
  });

  it('works 2 files at a time once its worker starts', async () => {
    const release = await holdTable(server.settings.DATABASE_URL ?? '', 'validation_findings');
    server.app.get(WorkerRunner).start('validation');
    await eventually(async () => {
      const { items } = (await client.call<{ items: unknown[] }>('/api/validations?status=processing')).body;
      expect(items).toHaveLength(2);
    }, 5_000);
    expect(await queue.getActiveCount()).toBe(2);
    expect(await queue.getWaitingCount()).toBeGreaterThan(0);
    await release();
    await eventually(
      async () => expect((await queue.getJobCounts('active', 'waiting'))['waiting']).toBe(0),
      10_000,
    );
  });

  /** The job as BullMQ has stored it, once the relay has carried it over. */
  async function eventuallyJob(id: string) {
    let job: Awaited<ReturnType<Queue['getJob']>>;
    await eventually(async () => {
      job = await queue.getJob(id);
      expect(job).toBeDefined();
    });
    return job!;
  }
});
