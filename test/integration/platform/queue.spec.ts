import { getQueueToken } from '@nestjs/bullmq';
import type { TestingModule } from '@nestjs/testing';
import type { Queue } from 'bullmq';
import { logContext, withLogContext } from '../../../src/platform/logging/correlation';
import { JobDispatcher, UnknownJobTypeError } from '../../../src/platform/queue/job-dispatcher.service';
import { HopelessJobError } from '../../../src/platform/queue/job-outcome';
import { PayloadInvalidError } from '../../../src/platform/queue/job-payload';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import type { JobSnapshot } from '../../../src/platform/queue/job-snapshot';
import { QueueRegistry } from '../../../src/platform/queue/queue-registry.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { eventually } from '../../support/eventually';
import { NotesModule, NotesProducer, notesQueue, NoteWork } from '../../support/notes-queue';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

describe('a queue on a real Redis', () => {
  const prefix = randomPrefix();
  let app: TestingModule;
  let queue: Queue;
  const failures: [string | undefined, boolean][] = [];

  beforeAll(async () => {
    app = await startQueueApp([NotesModule], { REDIS_PREFIX: prefix });
    queue = app.get<Queue>(getQueueToken('notes'));
    app.get(WorkerRunner).onFailure((job, _error, isFinal) => failures.push([job.id, isFinal]));
    app.get(WorkerRunner).startChosen();
  });
  afterAll(async () => {
    await removeKeys(app, prefix);
    await app.close();
  });
  afterEach(() => {
    app.get(NoteWork).run = ({ text }) => Promise.resolve(text);
  });

  const works = (run: NoteWork['run']) => {
    app.get(NoteWork).run = run;
  };
  const write = (...args: Parameters<NotesProducer['write']>) => app.get(NotesProducer).write(...args);
  const read = (id: string) => app.get(JobReader).read(id);

  /** The job once it is in this state. */
  async function reaches(id: string, state: JobSnapshot['state']): Promise<JobSnapshot> {
    let job: JobSnapshot | undefined;
    await eventually(async () => {
      job = await read(id);
      expect(job?.state).toBe(state);
    }, 5_000);
    return job as unknown as JobSnapshot;
  }

  it('carries a job from the producer through the handler to the reader', async () => {
    const job = await reaches(await write('hello'), 'completed');
    expect(job).toMatchObject({
      queue: 'notes',
      type: 'write-note',
      priority: 'normal',
      attemptsMade: 1,
      attemptsMax: 3,
      result: 'hello',
      data: '{"text":"hello"}',
      origin: { tenant: 'default' },
    });
    expect(job.finishedAt).toBeGreaterThanOrEqual(job.createdAt);
  });

  it('carries the correlation id of the request into the job, and the id of the job into its log lines', async () => {
    const seen: unknown[] = [];
    works(() => Promise.resolve(seen.push(logContext())));
    const id = await withLogContext({ correlationId: 'request-7' }, () => write('x'));
    const job = await reaches(id, 'completed');
    expect(seen).toEqual([{ correlationId: 'request-7', queue: 'notes', jobId: id }]);
    expect(job.origin.correlationId).toBe('request-7');
  });

  it('refuses a payload that breaks its class before Redis sees it', async () => {
    const before = await queue.getJobCounts();
    await expect(write('x'.repeat(101))).rejects.toMatchObject({
      name: PayloadInvalidError.name,
      errors: [{ pointer: '/text', code: 'maxLength' }],
    });
    expect(await queue.getJobCounts()).toEqual(before);
  });

  it.each([
    ['a bad payload', 'write-note', { text: 7 }, 'contract_refused'],
    ['a payload with a field too many', 'write-note', { text: 'x', more: 1 }, 'contract_refused'],
    ['a name without a handler', 'toString', { text: 'x' }, 'unrecoverable'],
  ])('fails %s that got in another way once, and never tries it again', async (_what, name, data, cause) => {
    const jobId = `notes_${Buffer.from(`${name}${JSON.stringify(data)}`)
      .toString('base64url')
      .slice(-22)}`;
    await queue.add(name, data, { attempts: 5, jobId });
    expect(await reaches(jobId, 'failed')).toMatchObject({
      attemptsMade: 1,
      starts: 1,
      attempts: [{ outcome: 'failed', cause }],
    });
  });

  it('tries again after a growing wait, and tells of every failure which one was the last', async () => {
    const startedAt: number[] = [];
    works(() => {
      startedAt.push(performance.now());
      return Promise.reject(new TypeError(`no ${'x'.repeat(5_000)}`));
    });
    const id = await write('x');
    const waiting = await reaches(id, 'delayed');
    expect(waiting.nextAttemptAt).toBeGreaterThan(waiting.createdAt);
    expect(waiting).not.toHaveProperty('runAt');
    const job = await reaches(id, 'failed');
    expect(job).toMatchObject({ attemptsMade: 3, attemptsMax: 3, failedName: 'TypeError' });
    expect(job.failedReason).toHaveLength(2_000);
    const [first = 0, second = 0, third = 0] = startedAt;
    expect(second - first).toBeGreaterThanOrEqual(99);
    expect(third - second).toBeGreaterThanOrEqual(199);
    await eventually(() =>
      expect(failures.filter(([failed]) => failed === id).map(([, isFinal]) => isFinal)).toEqual([
        false,
        false,
        true,
      ]),
    );
  });

  it.each([
    ['hopeless work', () => Promise.reject(new HopelessJobError('the file is gone')), 'the file is gone'],
    ['a result that is too large', () => Promise.resolve('x'.repeat(40_000)), 'at most 32768 are kept'],
    ['a result that is no JSON', () => Promise.resolve(1n), 'not JSON'],
  ])('makes one attempt at %s', async (_what, run, reason) => {
    works(run);
    const job = await reaches(await write('x'), 'failed');
    expect(job).toMatchObject({ attemptsMade: 1, failedReason: expect.stringContaining(reason) });
  });

  it('settles a job whose handler throws nothing at all', async () => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what a careless handler does
    works(() => Promise.reject(undefined));
    const job = await reaches(await write('x', { attempts: 1 }), 'failed');
    expect(job.failedReason).toContain('threw undefined');
  });

  it('keeps one job per key, under an id that the key cannot choose', async () => {
    const keys = ['active', 'wait', 'meta', '0', 'a:b', 'https://jobicy.com/?feed=job_feed#12345'];
    for (const key of keys) {
      const ids = await Promise.all(Array.from({ length: 10 }, () => write('same', { key })));
      expect(new Set(ids).size).toBe(1);
      expect(ids[0]).toMatch(/^notes_[A-Za-z0-9_-]{22}$/);
      expect(await reaches(ids[0] ?? '', 'completed')).toMatchObject({ origin: { key }, attemptsMade: 1 });
    }
  });

  it('runs the most urgent first, whatever came first', async () => {
    const order: string[] = [];
    works(({ text }) => Promise.resolve(order.push(text)));
    await queue.pause();
    for (const priority of ['low', 'normal', 'high', 'urgent'] as const) await write(priority, { priority });
    await queue.resume();
    await eventually(() => expect(order).toEqual(['urgent', 'high', 'normal', 'low']));
  });

  it('holds a delayed job back until its time', async () => {
    const id = await write('later', { delayMs: 60_000 });
    const job = await read(id);
    expect(job?.state).toBe('delayed');
    expect(job?.runAt).toBe((job?.createdAt ?? 0) + 60_000);
  });

  it('finds no job by an id that it cannot have made', async () => {
    for (const id of [
      'meta',
      'notes_',
      'notes:meta',
      'notes_meta',
      '',
      '__proto__',
      'other_0000000000000000000000',
    ]) {
      expect(await read(id)).toBeUndefined();
    }
  });

  it('knows job types over all queues, and names them when asked for another', async () => {
    const registry = app.get(QueueRegistry);
    expect(registry.type('write-note')?.definition).toBe(notesQueue);
    const job = await app.get(JobDispatcher).dispatch('write-note', { text: 'by type' });
    expect(await reaches(job.id ?? '', 'completed')).toMatchObject({ result: 'by type' });
    const refused = app.get(JobDispatcher).dispatch('nope', {});
    await expect(refused).rejects.toBeInstanceOf(UnknownJobTypeError);
    await expect(refused).rejects.toThrow('write-note');
    expect(() => registry.register({ definition: notesQueue, queue })).toThrow('registered twice');
    const other = { ...notesQueue, name: 'other' };
    expect(() => registry.register({ definition: other, queue })).toThrow('rename one of them');
  });
});
