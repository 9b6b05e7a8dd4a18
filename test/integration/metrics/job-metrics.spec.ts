import { getQueueToken } from '@nestjs/bullmq';
import type { TestingModule } from '@nestjs/testing';
import type { Queue } from 'bullmq';
import { randomUUID } from 'node:crypto';
import { MetricsModule } from '../../../src/platform/metrics/metrics.module';
import { MetricsRegistry } from '../../../src/platform/metrics/metrics-registry.service';
import { guardAdds } from '../../../src/platform/queue/add-gate';
import { JobReturnedError } from '../../../src/platform/queue/job-step';
import { HopelessJobError } from '../../../src/platform/queue/job-outcome';
import { JobCancellation } from '../../../src/platform/worker/job-cancellation.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { eventually } from '../../support/eventually';
import { NotesModule, NotesProducer, NoteWork } from '../../support/notes-queue';
import { Scrape } from '../../support/prometheus-text';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

const note = { queue: 'notes', type: 'write-note' };
const other = { queue: 'notes', type: 'other' };

describe('the metrics of jobs on a real Redis', () => {
  const prefix = randomPrefix();
  let app: TestingModule;
  let queue: Queue;

  beforeEach(async () => {
    app = await startQueueApp([NotesModule, MetricsModule], { REDIS_PREFIX: prefix });
    queue = app.get<Queue>(getQueueToken('notes'));
  });
  afterEach(async () => {
    await removeKeys(app, prefix);
    await app.close();
  });

  const write = (...args: Parameters<NotesProducer['write']>) => app.get(NotesProducer).write(...args);
  const works = (run: NoteWork['run']) => {
    app.get(NoteWork).run = run;
  };
  const work = () => app.get(WorkerRunner).startChosen();
  const scrape = async () => new Scrape(await app.get(MetricsRegistry).metrics());
  const finished = async (outcome: string, labels = note) =>
    (await scrape()).value('holdfast_jobs_finished_total', { ...labels, outcome });
  const enqueued = async (outcome: string, labels = note) =>
    (await scrape()).value('holdfast_jobs_enqueued_total', { ...labels, outcome });

  it('stand at zero before there is a job', async () => {
    const text = await scrape();
    const own = text.samples.filter(({ name }) => /^(holdfast|bullmq)_/.test(name));
    expect(own.length).toBeGreaterThan(60);
    expect(own.filter(({ value }) => value !== 0)).toEqual([]);
    expect(text.typeOf('bullmq_jobs_processed_total')).toBe('counter');
    expect(text.value('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(text.series).toContain('nodejs_eventloop_lag_seconds{}');
  });

  it('count what completes, with its wait and its run', async () => {
    await write('slow', { delayMs: 1 });
    await write('fast');
    works(({ text }) => (text === 'slow' ? new Promise((end) => setTimeout(end, 60)) : Promise.resolve(1)));
    work();
    await eventually(async () => expect(await finished('completed')).toBe(2));
    const text = await scrape();
    expect(text.value('bullmq_jobs_processed_total')).toBe(2);
    const run = (rest: string, labels = {}) =>
      text.value(`holdfast_job_run_duration_seconds${rest}`, { ...note, ...labels });
    expect(run('_count')).toBe(2);
    expect(run('_sum')).toBeGreaterThanOrEqual(0.055);
    // The slow one is never among the fast; on a busy machine the fast one may be slow as well.
    expect(run('_bucket', { le: '0.05' })).toBeLessThanOrEqual(1);
    expect(run('_bucket', { le: '+Inf' })).toBe(2);
    expect(text.value('holdfast_job_wait_duration_seconds_count', note)).toBe(2);
  });

  it('measure how long a job waited since it was due, and only at its first start', async () => {
    await queue.add(
      'write-note',
      { text: 'x' },
      { timestamp: Date.now() - 60_000, delay: 0, attempts: 2, backoff: 1 },
    );
    let runs = 0;
    works(() => ((runs += 1) === 1 ? Promise.reject(new Error('once')) : Promise.resolve('done')));
    work();
    await eventually(async () => expect(await finished('completed')).toBe(1));
    const text = await scrape();
    expect(text.value('holdfast_job_wait_duration_seconds_count', note)).toBe(1);
    expect(text.value('holdfast_job_wait_duration_seconds_sum', note)).toBeGreaterThanOrEqual(60);
    expect(text.value('holdfast_job_wait_duration_seconds_bucket', { ...note, le: '60' })).toBe(0);
    expect(text.value('holdfast_job_run_duration_seconds_count', note)).toBe(2);
    expect(await finished('retried')).toBe(1);
  });

  it('tell a retry from a death, and a hopeless job from one that used up its attempts', async () => {
    works(({ text }) => Promise.reject(text === 'hopeless' ? new HopelessJobError('no') : new Error('no')));
    await write('x', { attempts: 3, backoff: { type: 'fixed', delayMs: 1 } });
    await write('hopeless', { attempts: 3 });
    work();
    await eventually(async () => expect(await finished('dead')).toBe(2));
    expect(await finished('retried')).toBe(2);
    expect(await finished('completed')).toBe(0);
  });

  it('count a cancelled job apart from the dead', async () => {
    works(
      (_note, signal) =>
        new Promise((_end, fail) => signal.addEventListener('abort', () => fail(new Error('stopped')))),
    );
    const id = await write('long');
    work();
    await eventually(async () => expect(await queue.getActiveCount()).toBe(1));
    await app.get(JobCancellation).cancel(id, { reason: 'test', by: 'test' });
    await eventually(async () => expect(await finished('cancelled')).toBe(1), 5_000);
    expect(await finished('dead')).toBe(0);
  });

  it('count what is given back as neither', async () => {
    let runs = 0;
    works(() =>
      (runs += 1) === 1 ? Promise.reject(new JobReturnedError('not here', 1)) : Promise.resolve(1),
    );
    await write('x');
    work();
    await eventually(async () => expect(await finished('completed')).toBe(1));
    expect(await finished('returned')).toBe(1);
    expect(await finished('retried')).toBe(0);
  });

  it('count an attempt whose job another worker has as lost', async () => {
    const id = await write('x');
    works(async () => {
      // The lock of another worker stands where this one's was.
      const client = (await queue.getBackend().client) as unknown as {
        set(key: string, value: string): Promise<unknown>;
      };
      await client.set(`${queue.toKey(id)}:lock`, 'of another worker');
      throw new Error('too late');
    });
    await app.get(WorkerRunner).processNext('notes');
    expect(await finished('lost')).toBe(1);
    expect(await finished('dead')).toBe(0);
  });

  it('count jobs that are found without a worker', async () => {
    const id = await write('x');
    const client = (await queue.getBackend().client) as unknown as {
      call(...args: string[]): Promise<unknown>;
    };
    await client.call('ZREM', queue.toKey('prioritized'), id);
    await client.call('LPUSH', queue.toKey('active'), id);
    await client.call('SADD', queue.toKey('stalled'), id);
    work();
    await eventually(async () => {
      expect((await scrape()).value('holdfast_jobs_stalled_total', { queue: 'notes' })).toBe(1);
    }, 10_000);
    await eventually(async () => expect(await finished('completed')).toBe(1), 5_000);
  });

  it('put jobs of unknown names together, whatever they are called', async () => {
    for (let at = 0; at < 20; at += 1) await queue.add(`made-up-${randomUUID()}`, { text: 'x' });
    const before = (await scrape()).ownSeries;
    work();
    await eventually(async () => expect(await finished('dead', other)).toBe(20), 5_000);
    expect((await scrape()).ownSeries).toEqual(before);
  });

  it('count what is added, by what became of it', async () => {
    await write('one', { key: 'k' });
    await write('one', { key: 'k' });
    await expect(write('two', { key: 'k' })).rejects.toThrow('belongs to job');
    await expect(write('x'.repeat(101))).rejects.toThrow();
    guardAdds(queue, () => {
      throw new Error('full');
    });
    await expect(write('three')).rejects.toThrow('full');
    expect(await enqueued('accepted')).toBe(1);
    expect(await enqueued('deduplicated')).toBe(1);
    expect(await enqueued('refused')).toBe(3);
    expect(await enqueued('unknown')).toBe(0);
  });
});
