import { InjectQueue, Processor } from '@nestjs/bullmq';
import { Injectable, Module } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { Queue, type Job } from 'bullmq';
import { IsString } from 'class-validator';
import { defineQueue } from '../../../src/platform/queue/define-queue';
import { JobConsumer, type JobHandlers } from '../../../src/platform/queue/job-consumer';
import { JobProducer } from '../../../src/platform/queue/job-producer';
import { QueueRegistry } from '../../../src/platform/queue/queue-registry.service';
import { QueueModule } from '../../../src/platform/queue/queue.module';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { eventually } from '../../support/eventually';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

class Line {
  @IsString()
  text!: string;
}

const lines = defineQueue({
  name: 'lines',
  domain: 'test',
  description: 'Lines that are written together.',
  jobs: { 'write-line': { payload: Line, attempts: 1 } },
  worker: { batch: { size: 20, flushMs: 60_000 } },
});

@Injectable()
class LinesProducer extends JobProducer<typeof lines> {
  constructor(@InjectQueue(lines.name) queue: Queue) {
    super(lines, queue);
  }

  write(texts: readonly string[]) {
    return Promise.all(texts.map((text) => this.add('write-line', { text })));
  }
}

@Injectable()
class LineStore {
  store: (texts: readonly string[]) => Promise<readonly unknown[]> = (texts) => Promise.resolve(texts);
}

@Processor(lines.name)
class LinesProcessor extends JobConsumer<typeof lines> {
  constructor(private readonly store: LineStore) {
    super(lines);
  }

  protected readonly handlers: JobHandlers<typeof lines> = {
    'write-line': this.inBatches((jobs: readonly Job<Line>[]) =>
      this.store.store(jobs.map(({ data }) => data.text)),
    ),
  };
}

@Module({
  imports: [QueueModule.forQueue(lines)],
  providers: [LinesProducer, LineStore, LinesProcessor],
})
class LinesModule {}

const textsOf = (count: number) => Array.from({ length: count }, (_none, at) => `line ${at}`);

describe('a queue whose jobs are done in batches, on a real Redis', () => {
  const apps = new Set<TestingModule>();
  let prefix = '';

  beforeEach(() => {
    prefix = randomPrefix();
  });
  afterEach(async () => {
    for (const app of apps) await app.close();
    apps.clear();
    const cleaner = await startQueueApp([], { REDIS_PREFIX: prefix });
    await removeKeys(cleaner, prefix);
    await cleaner.close();
  });

  async function start(overrides: Record<string, string> = {}) {
    const app = await startQueueApp([LinesModule], { REDIS_PREFIX: prefix, ...overrides });
    apps.add(app);
    return {
      app,
      store: app.get(LineStore),
      producer: app.get(LinesProducer),
      runner: app.get(WorkerRunner),
      counts: () => app.get(QueueRegistry).get('lines')!.queue.getJobCounts('active', 'completed', 'failed'),
    };
  }

  it('fills its batches, and finishes no job before its batch has done its work', async () => {
    const { store, producer, runner, counts } = await start();
    const batches: (readonly string[])[] = [];
    let commit: () => void = () => undefined;
    store.store = async (texts) => {
      batches.push(texts);
      await new Promise<void>((resolve) => (commit = resolve));
      return texts;
    };
    await producer.write(textsOf(45));
    runner.start('lines');
    for (const [at, size] of [20, 20, 5].entries()) {
      await eventually(() => expect(batches[at]).toHaveLength(size), 5_000);
      expect(await counts()).toMatchObject({ active: size, completed: at * 20 });
      commit();
    }
    await eventually(
      async () => expect(await counts()).toEqual({ active: 0, completed: 45, failed: 0 }),
      5_000,
    );
    expect(batches.flat().toSorted()).toEqual(textsOf(45).toSorted());
  });

  it('fails the job alone that spoils its batch', async () => {
    const { store, producer, runner, counts } = await start();
    store.store = (texts) =>
      texts.includes('line 7') ? Promise.reject(new Error('cannot be stored')) : Promise.resolve(texts);
    await producer.write(textsOf(20));
    runner.start('lines');
    await eventually(
      async () => expect(await counts()).toEqual({ active: 0, completed: 19, failed: 1 }),
      5_000,
    );
  });

  it('finishes what it has gathered when it stops', async () => {
    const { app, producer, runner, store } = await start();
    const other = await start();
    const stored: string[] = [];
    store.store = (texts) => {
      stored.push(...texts);
      return Promise.resolve(texts);
    };
    await producer.write(textsOf(7));
    runner.start('lines');
    await eventually(async () => expect((await other.counts()).active).toBe(7), 5_000);
    apps.delete(app);
    await app.close();
    expect(stored.toSorted()).toEqual(textsOf(7));
    expect(await other.counts()).toEqual({ active: 0, completed: 7, failed: 0 });
  });

  it('takes as many jobs at a time as a batch has, whatever QUEUE_CONCURRENCY says, and no fewer', async () => {
    const { runner } = await start({ QUEUE_CONCURRENCY: '5' });
    expect(runner.start('lines')).toBe(true);
    const tooFew = await start({ QUEUE_CONCURRENCY: 'lines=10' });
    expect(() => tooFew.runner.start('lines')).toThrow(
      'Queue "lines" runs 10 jobs at a time, which never fill a batch of 20',
    );
  });
});
