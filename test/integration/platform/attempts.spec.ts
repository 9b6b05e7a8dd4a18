import { getQueueToken } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { DelayedError, type Queue } from 'bullmq';
import { setTimeout as wait } from 'node:timers/promises';
import { JobDeathError } from '../../../src/platform/queue/death-cause';
import { HopelessJobError } from '../../../src/platform/queue/job-outcome';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { JobReturnedError, JobStep } from '../../../src/platform/queue/job-step';
import type { JobSnapshot, JobState } from '../../../src/platform/queue/job-snapshot';
import { workerName } from '../../../src/platform/queue/worker-identity';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { eventually } from '../../support/eventually';
import { NotesModule, NotesProducer, NoteWork } from '../../support/notes-queue';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

/** A step that does what a test puts into it. */
@Injectable()
class TestStep extends JobStep {
  before: (data: unknown) => unknown = (data) => data;
  after: (result: unknown) => unknown = (result) => result;

  override prepare(job: { data: unknown }): unknown {
    return this.before(job.data);
  }

  override settle(_job: unknown, _definition: unknown, result: unknown): unknown {
    return this.after(result);
  }
}

describe('attempts on a real Redis', () => {
  const prefix = randomPrefix();
  let app: TestingModule;
  let queue: Queue;
  let step: TestStep;

  beforeAll(async () => {
    app = await startQueueApp([{ module: NotesModule, providers: [TestStep] }], { REDIS_PREFIX: prefix });
    queue = app.get<Queue>(getQueueToken('notes'));
    step = app.get(TestStep);
    app.get(WorkerRunner).startChosen();
  });
  afterAll(async () => {
    await app.close();
    const cleaner = await startQueueApp([], { REDIS_PREFIX: prefix });
    await removeKeys(cleaner, prefix);
    await cleaner.close();
  });
  afterEach(async () => {
    step.before = (data) => data;
    step.after = (result) => result;
    works(({ text }) => Promise.resolve(text));
    await queue.resume();
  });

  const works = (run: NoteWork['run']) => {
    app.get(NoteWork).run = run;
  };
  const write = (...args: Parameters<NotesProducer['write']>) => app.get(NotesProducer).write(...args);
  const redis = () => app.get(RedisConnections).producer;
  const keyOf = (id: string) => `${prefix}:notes:${id}`;

  async function reaches(id: string, state: JobState, timeoutMs = 5_000): Promise<JobSnapshot> {
    let job: JobSnapshot | undefined;
    await eventually(async () => {
      job = await app.get(JobReader).read(id);
      expect(job?.state).toBe(state);
    }, timeoutMs);
    return job as unknown as JobSnapshot;
  }

  /** A job that looks as if workers had started it so often and never came back. */
  async function startedBefore(times: number, options = {}): Promise<string> {
    await queue.pause();
    const id = await write('x', options);
    await redis().hset(keyOf(id), 'ats', times);
    return id;
  }

  describe('leave records', () => {
    it('not at all when the first one completes, whatever the job is', async () => {
      const id = await write('x');
      const job = await reaches(id, 'completed');
      expect(job).toMatchObject({ attempts: [], starts: 1, worker: workerName });
      expect(await redis().hkeys(keyOf(id))).not.toEqual(
        expect.arrayContaining([expect.stringMatching(/^hf/)]),
      );
    });

    it('of each failure, the last of which names the cause', async () => {
      works(() => Promise.reject(new RangeError('no')));
      const job = await reaches(await write('x', { attempts: 2 }), 'failed');
      const error = { name: 'RangeError', message: 'no' };
      const common = { worker: workerName, version: expect.any(String), outcome: 'failed', error };
      expect(job.attempts).toEqual([
        { start: 1, startedAt: expect.any(Number), endedAt: expect.any(Number), ...common },
        {
          start: 2,
          startedAt: expect.any(Number),
          endedAt: expect.any(Number),
          ...common,
          cause: 'attempts_used',
        },
      ]);
    });

    it('of what failed before an attempt that completes', async () => {
      let runs = 0;
      works(() => ((runs += 1) === 1 ? Promise.reject(new Error('once')) : Promise.resolve('done')));
      const job = await reaches(await write('x'), 'completed');
      expect(job.attempts.map(({ start, outcome, cause }) => [start, outcome, cause])).toEqual([
        [1, 'failed', undefined],
      ]);
      expect(job).toMatchObject({ starts: 2, attemptsMade: 2, result: 'done' });
    });

    it('twenty at most, the first two and the newest', async () => {
      works(() => Promise.reject(new Error('no')));
      const id = await write('x', { attempts: 24, backoff: { type: 'fixed', delayMs: 0 } });
      const job = await reaches(id, 'failed', 10_000);
      expect(job.attempts.map(({ start }) => start)).toEqual([
        1,
        2,
        ...Array.from({ length: 18 }, (_, at) => at + 7),
      ]);
    });

    it('of starts that nobody came back from, with what ended the job at last', async () => {
      const id = await startedBefore(2);
      works(() => Promise.reject(new HopelessJobError('broken')));
      await queue.resume();
      const { attempts } = await reaches(id, 'failed');
      expect(attempts).toMatchObject([
        { start: 1, outcome: 'lost' },
        { start: 2, outcome: 'lost' },
        { start: 3, outcome: 'failed', cause: 'unrecoverable', error: { message: 'broken' } },
      ]);
    });

    it('even where somebody has spoiled the field', async () => {
      await queue.pause();
      const id = await write('x', { attempts: 1 });
      await redis().hset(keyOf(id), 'hfAttempts', 'no json');
      works(() => Promise.reject(new Error('no')));
      await queue.resume();
      expect((await reaches(id, 'failed')).attempts).toMatchObject([{ start: 1, outcome: 'failed' }]);
    });
  });

  describe('come to an end', () => {
    it('when a job was started more often than attempts and stalls explain', async () => {
      let runs = 0;
      works(() => Promise.resolve((runs += 1)));
      // Attempts, stalls that BullMQ bears, and one: the next start is one too many.
      const id = await startedBefore(2 + 3 + 1, { attempts: 2 });
      await queue.resume();
      const job = await reaches(id, 'failed');
      expect(job.attempts.at(-1)).toMatchObject({ start: 7, outcome: 'failed', cause: 'started_too_often' });
      expect(job.failedReason).toContain('started 7 times');
      expect(runs).toBe(0);
    });

    it('but deliberate returns do not count against a job', async () => {
      const id = await startedBefore(6, { attempts: 2 });
      await redis().hset(keyOf(id), 'hfReturns', 3);
      await queue.resume();
      expect(await reaches(id, 'completed')).toMatchObject({ starts: 7 });
    });

    it('when BullMQ has given a job up, whose record then says so', async () => {
      const id = await startedBefore(4);
      await redis().hset(keyOf(id), 'defa', 'job stalled more than allowable limit');
      await queue.resume();
      const job = await reaches(id, 'failed');
      expect(job.failedReason).toBe('job stalled more than allowable limit');
      expect(job.attempts.at(-1)).toMatchObject({ cause: 'stalled' });
    });

    it('before they begin when the job has waited too long', async () => {
      let runs = 0;
      works(() => Promise.resolve((runs += 1)));
      await queue.pause();
      const id = await write('x', { waitLimitMs: 1 });
      await wait(5);
      await queue.resume();
      const job = await reaches(id, 'failed');
      expect(job.attempts).toMatchObject([{ start: 1, cause: 'expired' }]);
      expect(job.failedReason).toContain('waited too long');
      expect(runs).toBe(0);
    });

    it('not when only a retry comes after the wait limit', async () => {
      works(() => Promise.reject(new Error('no')));
      const id = await write('x', { attempts: 2, waitLimitMs: 60 });
      const job = await reaches(id, 'failed');
      expect(job.attempts.at(-1)).toMatchObject({ start: 2, cause: 'attempts_used' });
    });

    it.each([
      ['a wait of a kind that nobody knows', { attempts: 2, backoff: { type: 'nope', delay: 1 } }],
      ['no attempts at all', {}],
    ])('of a job that was added with %s', async (_what, options) => {
      works(() => Promise.reject(new Error('no')));
      const jobId = `notes_${randomPrefix().slice(-12)}0123456789`;
      await queue.add('write-note', { text: 'x' }, { ...options, jobId });
      const { attempts } = await reaches(jobId, 'failed');
      expect(attempts.at(-1)).toMatchObject({ cause: 'attempts_used' });
    });
  });

  describe('run out of time', () => {
    const untilAborted: NoteWork['run'] = (_note, signal) => wait(60_000, undefined, { signal });

    it('and are repeated, until they are used up', async () => {
      const reasons: unknown[] = [];
      works(async (note, signal) => {
        signal.addEventListener('abort', () => reasons.push(signal.reason));
        return untilAborted(note, signal);
      });
      const job = await reaches(await write('x', { attempts: 2, timeoutMs: 50 }), 'failed');
      expect(job).toMatchObject({ failedName: 'JobTimeoutError', attemptsMade: 2 });
      expect(job.failedReason).toBe('The attempt ran longer than its limit of 50 ms.');
      expect(job.attempts.map(({ cause }) => cause)).toEqual([undefined, 'timeout']);
      expect(reasons).toMatchObject([{ name: 'JobTimeoutError' }, { name: 'JobTimeoutError' }]);
    });

    it('although the handler swallows the signal and answers', async () => {
      works((note, signal) => untilAborted(note, signal).catch(() => 'too late'));
      const job = await reaches(await write('x', { attempts: 1, timeoutMs: 50 }), 'failed');
      expect(job).toMatchObject({ failedName: 'JobTimeoutError' });
      expect(job.attempts.at(-1)).toMatchObject({ cause: 'timeout' });
    });

    it('and are left alone when the handler does not listen, so that others have their turn', async () => {
      let release: (value: string) => void = () => undefined;
      const stubborn = new Promise<string>((resolve) => {
        release = resolve;
      });
      works(({ text }) => (text === 'stubborn' ? stubborn : Promise.resolve(text)));
      const id = await write('stubborn', { attempts: 1, timeoutMs: 50 });
      await reaches(id, 'active');
      const others = await Promise.all(['a', 'b', 'c', 'd'].map((text) => write(text)));
      const job = await reaches(id, 'failed', 15_000);
      expect(job.attempts.at(-1)).toMatchObject({ cause: 'timeout' });
      for (const other of others) await reaches(other, 'completed');
      release('late');
      await reaches(await write('after'), 'completed');
      expect(await app.get(JobReader).read(id)).toMatchObject({ state: 'failed' });
    });
  });

  describe('pass through the steps of the platform', () => {
    it('which may change payload and result', async () => {
      step.before = (data) => ({ text: `prepared ${(data as { text: string }).text}` });
      step.after = (result) => ({ kept: result });
      const job = await reaches(await write('x'), 'completed');
      expect(job).toMatchObject({ result: { kept: 'prepared x' }, data: '{"text":"x"}' });
    });

    it('which may let a job die of a cause of its own', async () => {
      step.before = () => {
        throw new JobDeathError('contract_refused', 'no way to read version 7');
      };
      const job = await reaches(await write('x'), 'failed');
      expect(job.attempts).toMatchObject([{ cause: 'contract_refused' }]);
      expect(job).toMatchObject({ attemptsMade: 1, failedReason: 'no way to read version 7' });
    });

    it('which may give it back as often as they like, without an attempt', async () => {
      let left = 9;
      step.before = (data) => {
        if ((left -= 1) >= 0) throw new JobReturnedError('too new', 1);
        return data;
      };
      const job = await reaches(await write('x', { attempts: 1 }), 'completed', 10_000);
      expect(job).toMatchObject({ attemptsMade: 1, starts: 10 });
      expect(job.attempts).toHaveLength(9);
      expect(job.attempts.at(-1)).toMatchObject({ start: 9, outcome: 'given_back' });
    });
  });

  it('end where their handler has moved the job by itself', async () => {
    let runs = 0;
    works(async () => {
      runs += 1;
      if (runs > 1) return 'second';
      const [id = ''] = await redis().lrange(`${prefix}:notes:active`, 0, 0);
      const job = await queue.getJob(id);
      const token = await redis().get(`${keyOf(id)}:lock`);
      await job?.moveToDelayed(Date.now() + 10, token ?? '');
      throw new DelayedError();
    });
    const job = await reaches(await write('x', { attempts: 1 }), 'completed');
    expect(job).toMatchObject({ result: 'second', attemptsMade: 1 });
    expect(job.attempts).toMatchObject([{ start: 1, outcome: 'given_back' }]);
  });
});
