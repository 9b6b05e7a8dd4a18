import type { Job } from 'bullmq';
import { Attempt } from './attempt';
import { JobBatcher, WholeBatchError, type BatchHandler } from './job-batcher';

type Item = { readonly text: string };

const jobOf = (text: string) => ({ id: text, data: { text } }) as Job<Item>;
const textsOf = (jobs: readonly Job<Item>[]) => jobs.map(({ data }) => data.text);

describe('batches of jobs', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  function batcher(
    limits = { size: 3, flushMs: 1_000 },
    handler: BatchHandler<Item> = (jobs) => Promise.resolve(textsOf(jobs)),
  ) {
    const batches: string[][] = [];
    const made = new JobBatcher<Item>(
      'items',
      (jobs, signal) => {
        batches.push(textsOf(jobs));
        return handler(jobs, signal);
      },
      () => limits,
    );
    return {
      batches,
      hurry: () => made.hurry(),
      add: (text: string, attempt = new Attempt(jobOf(text), 'token')) => made.add(jobOf(text), attempt),
    };
  }
  const settled = (jobs: readonly Promise<unknown>[]) =>
    Promise.allSettled(jobs).then((all) =>
      all.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason))),
    );

  it('run when they are full, and answer each job with its own result', async () => {
    const { add, batches } = batcher();
    const jobs = ['a', 'b', 'c', 'd'].map((text) => add(text));
    expect(batches).toEqual([['a', 'b', 'c']]);
    expect(await Promise.all(jobs.slice(0, 3))).toEqual(['a', 'b', 'c']);
    jest.runAllTimers();
    expect(await jobs[3]).toBe('d');
    expect(batches).toEqual([['a', 'b', 'c'], ['d']]);
  });

  it('wait no longer than they may, while jobs keep coming, and hardly at all once none comes', () => {
    const { add, batches } = batcher({ size: 100, flushMs: 1_000 });
    for (let at = 0; at < 40; at += 1) {
      void add(String(at));
      jest.advanceTimersByTime(25);
    }
    expect(batches).toHaveLength(1);
    expect(batches[0]).toHaveLength(40);
    void add('the last');
    jest.advanceTimersByTime(50);
    expect(batches[1]).toEqual(['the last']);
  });

  it('run at once when the worker stops, and so do those that come after', () => {
    const { add, batches, hurry } = batcher({ size: 100, flushMs: 1_000 });
    void add('a');
    hurry();
    expect(batches).toEqual([['a']]);
    void add('b');
    jest.advanceTimersByTime(0);
    expect(batches).toEqual([['a'], ['b']]);
  });

  it('lose the one that is interrupted before they run', async () => {
    const { add, batches } = batcher({ size: 100, flushMs: 1_000 });
    const attempt = new Attempt(jobOf('b'), 'token');
    const gone = new Attempt(jobOf('gone'), 'token');
    gone.interrupt(new Error('gone'));
    const jobs = [add('a'), add('b', attempt), add('c'), add('gone', gone)];
    attempt.interrupt(new Error('cancelled'));
    jest.runAllTimers();
    expect(await settled(jobs)).toEqual(['a', 'Error: cancelled', 'c', 'Error: gone']);
    expect(batches).toEqual([['a', 'c']]);
  });

  it('are interrupted once none of their jobs is wanted any more', () => {
    let signal: AbortSignal | undefined;
    const { add } = batcher({ size: 2, flushMs: 1_000 }, (_jobs, given) => {
      signal = given;
      return new Promise(() => undefined);
    });
    const attempts = ['one', 'two'].map((text) => new Attempt(jobOf(text), 'token'));
    attempts.forEach((attempt, at) => void add(String(at), attempt));
    attempts[0]!.interrupt(new Error('first'));
    expect(signal?.aborted).toBe(false);
    attempts[1]!.interrupt(new Error('second'));
    expect(signal?.reason).toEqual(new Error('second'));
  });

  it('let the job fail alone that spoils them', async () => {
    const { add, batches } = batcher({ size: 8, flushMs: 1_000 }, (jobs) => {
      if (textsOf(jobs).includes('poison')) return Promise.reject(new Error('invalid byte'));
      return Promise.resolve(textsOf(jobs));
    });
    const texts = ['a', 'b', 'c', 'poison', 'e', 'f', 'g', 'h'];
    const outcomes = await settled(texts.map((text) => add(text)));
    expect(outcomes).toEqual(texts.map((text) => (text === 'poison' ? 'Error: invalid byte' : text)));
    expect(batches).toHaveLength(7);
  });

  it('fail a job whose result is an Error, and all when what they need is away', async () => {
    const mixed = batcher({ size: 2, flushMs: 1_000 }, () => Promise.resolve([new Error('too old'), 'kept']));
    expect(await settled([mixed.add('a'), mixed.add('b')])).toEqual(['Error: too old', 'kept']);
    const away = batcher({ size: 2, flushMs: 1_000 }, () =>
      Promise.reject(new WholeBatchError('the database is away')),
    );
    const outcomes = await settled([away.add('a'), away.add('b')]);
    expect(outcomes).toEqual([outcomes[0], outcomes[0]]);
    expect(outcomes[0]).toContain('the database is away');
    expect(away.batches).toHaveLength(1);
  });

  it('complete nothing when their handler forgets one', async () => {
    const { add } = batcher({ size: 2, flushMs: 1_000 }, () => Promise.resolve(['one']));
    const outcomes = await settled([add('a'), add('b')]);
    outcomes.forEach((outcome) => expect(outcome).toContain('1 results for 2 jobs'));
  });
});
