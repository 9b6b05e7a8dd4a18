import { InjectQueue, Processor } from '@nestjs/bullmq';
import { Injectable, Module } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { Queue } from 'bullmq';
import { IsInt } from 'class-validator';
import { LedgerWriter } from '../../../src/platform/ledger/ledger-writer.service';
import { defineQueue } from '../../../src/platform/queue/define-queue';
import { JobConsumer, type JobHandlers } from '../../../src/platform/queue/job-consumer';
import { JobProducer } from '../../../src/platform/queue/job-producer';
import { QueueModule } from '../../../src/platform/queue/queue.module';
import { QueueRegistry } from '../../../src/platform/queue/queue-registry.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { RetentionSweeper } from '../../../src/platform/retention/retention-sweeper.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';
import { ledgerRows, startLedgerApp } from '../../support/ledger-app';
import { removeKeys } from '../../support/queue-app';

class PartPayload {
  /** At how many of its starts the job fails. */
  @IsInt()
  failures!: number;
}

const partsQueue = defineQueue({
  name: 'parts',
  domain: 'test',
  description: 'Jobs whose ends a workload notes itself.',
  jobs: { part: { payload: PartPayload, attempts: 2, backoff: { type: 'fixed', delayMs: 1 } } },
  worker: { concurrency: 5 },
  history: 'failures',
  retention: { completed: { ageMs: 0, count: 0 } },
});

// Nothing has to hear of its successes, not even the memory of keys.
const scrapsQueue = defineQueue({
  ...partsQueue,
  name: 'scraps',
  jobs: { scrap: partsQueue.jobs.part },
  deduplicationMs: 0,
});

@Injectable()
class ScrapsProducer extends JobProducer<typeof scrapsQueue> {
  constructor(@InjectQueue(scrapsQueue.name) queue: Queue) {
    super(scrapsQueue, queue);
  }

  async scrap(failures: number): Promise<string> {
    return (await this.add('scrap', { failures })).id ?? '';
  }
}

@Processor(scrapsQueue.name)
class ScrapsProcessor extends JobConsumer<typeof scrapsQueue> {
  constructor() {
    super(scrapsQueue);
  }

  protected readonly handlers: JobHandlers<typeof scrapsQueue> = {
    scrap: ({ data, attemptsMade }) =>
      attemptsMade < data.failures ? Promise.reject(new TypeError('torn')) : Promise.resolve('whole'),
  };
}

@Injectable()
class PartsProducer extends JobProducer<typeof partsQueue> {
  constructor(@InjectQueue(partsQueue.name) queue: Queue) {
    super(partsQueue, queue);
  }

  async part(failures: number): Promise<string> {
    return (await this.add('part', { failures })).id ?? '';
  }
}

@Processor(partsQueue.name)
class PartsProcessor extends JobConsumer<typeof partsQueue> {
  constructor() {
    super(partsQueue);
  }

  protected readonly handlers: JobHandlers<typeof partsQueue> = {
    part: ({ data, attemptsMade }) =>
      attemptsMade < data.failures ? Promise.reject(new TypeError('torn')) : Promise.resolve('whole'),
  };
}

@Module({
  imports: [QueueModule.forQueue(partsQueue), QueueModule.forQueue(scrapsQueue)],
  providers: [PartsProducer, PartsProcessor, ScrapsProducer, ScrapsProcessor],
})
class PartsModule {}

describe('a history of failures only', () => {
  let database: TestDatabase;
  let app: TestingModule;

  beforeAll(async () => {
    database = await createTestDatabase();
    app = await startLedgerApp(database.url, [PartsModule]);
  });

  afterAll(async () => {
    await removeKeys(app, app.get(QueueRegistry).get(partsQueue.name)!.queue.opts.prefix!);
    await app.close();
    await database.drop();
  });

  it('has rows of jobs that failed at some time, and lets the others go without one', async () => {
    const part = (failures: number) => app.get(PartsProducer, { strict: false }).part(failures);
    const [plain, retried, dead] = [await part(0), await part(1), await part(2)];
    await app.get(LedgerWriter).turn();
    expect(await ledgerRows(app, 'SELECT id FROM ledger_jobs')).toEqual([]);
    app.get(WorkerRunner).start(partsQueue.name);
    const { queue } = app.get(QueueRegistry).get(partsQueue.name)!;
    await eventually(async () => {
      expect(await queue.getJobCounts('completed', 'failed')).toEqual({ completed: 2, failed: 1 });
    }, 10_000);
    await eventually(async () => expect(await app.get(LedgerWriter).lagMs()).toBe(0), 5_000);
    const rows = await ledgerRows(app, 'SELECT id, state, starts FROM ledger_jobs');
    expect(rows).toHaveLength(2);
    expect(rows).toContainEqual({ id: retried, state: 'completed', starts: 2 });
    expect(rows).toContainEqual({ id: dead, state: 'failed', starts: 2 });
    expect(
      await ledgerRows(app, 'SELECT error_name FROM ledger_attempts WHERE job_id = $1', [retried]),
    ).toEqual([{ error_name: 'TypeError' }]);
    // What has ended long ago goes from Redis, with a row or without.
    await app.get(RetentionSweeper).sweep(Date.now() + 1_000);
    const { producer } = app.get(RedisConnections);
    const keys = [plain, retried].map((id) => `${queue.opts.prefix}:${partsQueue.name}:${id}`);
    expect(await producer.exists(keys)).toBe(0);
    expect(await ledgerRows(app, 'SELECT id FROM ledger_jobs WHERE id = $1', [plain])).toEqual([]);
  });

  it('leaves to the event stream how jobs end, where nobody follows them before', async () => {
    const { queue } = app.get(QueueRegistry).get(scrapsQueue.name)!;
    const { producer } = app.get(RedisConnections);
    const told = async (name: string) => {
      const events = await producer.xrange(`${queue.opts.prefix}:${name}:events`, '-', '+');
      return new Set(events.map(([, fields]) => fields[1]));
    };
    await app.get(ScrapsProducer, { strict: false }).scrap(0);
    expect(await told(scrapsQueue.name)).toEqual(new Set());
    app.get(WorkerRunner).start(scrapsQueue.name);
    await eventually(async () => expect(await told(scrapsQueue.name)).toContain('completed'), 10_000);
    // The history follows these, and the memory of keys.
    await app.get(PartsProducer, { strict: false }).part(0);
    expect(await told(partsQueue.name)).toContain('added');
  });

  it('lets what has succeeded at once go at its end, where no memory of keys needs it', async () => {
    const scrap = (failures: number) => app.get(ScrapsProducer, { strict: false }).scrap(failures);
    const [plain, retried] = [await scrap(0), await scrap(1)];
    app.get(WorkerRunner).start(scrapsQueue.name);
    const { queue } = app.get(QueueRegistry).get(scrapsQueue.name)!;
    await eventually(async () => {
      expect((await queue.getCompleted()).map(({ id }) => id)).toEqual([retried]);
    }, 10_000);
    expect(await queue.getJob(plain)).toBeUndefined();
    await eventually(async () => expect(await app.get(LedgerWriter).lagMs()).toBe(0), 5_000);
    expect(
      await ledgerRows(app, 'SELECT id FROM ledger_jobs WHERE id IN ($1, $2)', [plain, retried]),
    ).toEqual([{ id: retried }]);
  });
});
