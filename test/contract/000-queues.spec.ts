import { Readable } from 'node:stream';
import { Files } from '../../src/platform/files/files.service';
import { JobReader } from '../../src/platform/queue/job-reader.service';
import { NamedQueues } from '../../src/platform/queue/named-queues.service';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { RedisInspector } from '../../src/platform/redis/redis-inspector.service';
import { WorkerRunner } from '../../src/platform/worker/worker-runner.service';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

const HOUR_MS = 3_600_000;

describe('document 000, its five queues and its functions', () => {
  let server: TestServer;
  let queues: NamedQueues;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api' });
    queues = server.app.get(NamedQueues);
  });
  afterAll(() => server.close());

  it('names the five queues', () => {
    expect(queues.QUEUE_NAMES).toMatchObject({
      BROKER_SYNC: 'broker-sync',
      IMPORT: 'import',
      AI: 'ai',
      EMAIL: 'email',
      DEFAULT: 'default',
    });
  });

  it.each(['broker-sync', 'import', 'ai'])(
    'lets %s run five jobs at a time, each three times at most, and keeps them a day and a week',
    async (name) => {
      const { definition } = server.app.get(QueueRegistry).get(name)!;
      const shown = (await (await fetch(`${server.url}/api/queues/${name}`)).json()) as Record<
        string,
        unknown
      >;
      expect(definition.worker.concurrency).toBe(5);
      expect(shown['retention']).toMatchObject({
        completed: { ageMs: 24 * HOUR_MS },
        failed: { ageMs: 7 * 24 * HOUR_MS },
      });
      for (const job of Object.values(definition.jobs)) {
        expect(job).toMatchObject({ attempts: 3, backoff: { type: 'exponential', delayMs: 1_000 } });
      }
    },
  );

  it('adds a job by the names of queue and job, and counts it', async () => {
    const { IMPORT = '', DEFAULT = '' } = queues.QUEUE_NAMES;
    const jobId = await queues.addJob(IMPORT, 'process-csv', { fileId: '123', userId: 'user-456' });
    expect(jobId).toMatch(/^import_[\w-]{22}$/);
    expect(await queues.getQueueStats(IMPORT)).toEqual({
      waiting: 1,
      active: 0,
      completed: 0,
      failed: 0,
      delayed: 0,
    });
    const options = { attempts: 3, backoff: { type: 'exponential', delay: 1_000 } } as const;
    const data = { message: 'Test job', delay: 1_000, shouldFail: false };
    const later = await queues.addJob(DEFAULT, 'test-job', data, { ...options, delay: 60_000 });
    const job = await server.app.get(QueueRegistry).get(DEFAULT)!.queue.getJob(later);
    expect(job?.opts).toMatchObject({ attempts: 3, backoff: { type: 'exponential', delay: 1_000 } });
    expect(await queues.getQueueStats(DEFAULT)).toMatchObject({ waiting: 0, delayed: 1 });
  });

  it('says which queue, job or field does not exist', async () => {
    await expect(queues.addJob('imports', 'process-csv', {})).rejects.toThrow(
      /no queue "imports".*broker-sync/,
    );
    await expect(queues.addJob('import', 'toString', {})).rejects.toThrow('declares no job "toString"');
    await expect(queues.addJob('import', 'process-csv', { fileId: '123' })).rejects.toThrow('userId');
    await expect(queues.getQueueStats('imports')).rejects.toThrow('no queue "imports"');
  });

  it('tells how Redis is doing', async () => {
    const inspector = server.app.get(RedisInspector);
    expect(await inspector.testRedisConnection()).toEqual({ success: true, latencyMs: expect.any(Number) });
    expect(await inspector.getRedisInfo()).toEqual({
      configured: true,
      connected: true,
      memory: expect.stringMatching(/^[\d.]+[BKMG]$/),
      clients: expect.any(Number),
    });
  });

  it('starts workers when they are asked for, and they do what the queues are for', async () => {
    const file = { tenant: 'default', name: 'trades.csv', contentType: 'text/csv', createdBy: 'test' };
    const text = 'Date,Symbol,Side,Quantity,Price\n2024-01-31,AAPL,buy,1,180\n';
    const { id: fileId } = await server.app.get(Files).create(file, Readable.from([text]));
    const imported = await queues.addJob('import', 'process-csv', { fileId, userId: 'user-456' });
    const reviewed = await queues.addJob('ai', 'coach', { userId: 'user-456' });
    const connectionId = '00000000-0000-4000-8000-000000000000';
    const synced = await queues.addJob('broker-sync', 'sync-connection', { connectionId });
    const runner = server.app.get(WorkerRunner);
    // The one of the test before, and this one.
    await runner.processNext('import');
    await runner.processNext('import');
    await runner.processNext('ai');
    await runner.processNext('broker-sync');
    const read = (id: string) => server.app.get(JobReader).read(id);
    await eventually(async () => expect((await read(imported))?.state).toBe('completed'));
    expect((await read(imported))?.result).toMatchObject({ rows: { read: 1, inserted: 1 } });
    expect((await read(reviewed))?.result).toMatchObject({ executions: 1, provider: 'embedded' });
    expect(await read(synced)).toMatchObject({
      state: 'failed',
      failedReason: expect.stringContaining('no connection'),
    });
    expect(await queues.getQueueStats('import')).toMatchObject({ completed: 1, failed: 1, waiting: 0 });
  });
});
