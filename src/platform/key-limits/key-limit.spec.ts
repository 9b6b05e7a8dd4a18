import { defineQueue } from '../queue/define-queue';
import { heldSince, HELD_FROM, HELD_STEP } from './held-jobs-script';
import { hintChannel, limitKeyOf, limitOf, limitText, MAX_KEY_LENGTH, type KeyLimits } from './key-limit';

const bySource: KeyLimits = { key: ({ source }) => source as string };
const keyOf = (payload: unknown, limits = bySource) =>
  limitKeyOf(limits, payload, 'job', { tenant: 'default' });

describe('the key of a job', () => {
  it.each([
    [{ source: 'a' }, 'a'],
    [{ source: '' }, undefined],
    [{ source: 7 }, undefined],
    [{}, undefined],
    [null, undefined],
    ['text', undefined],
    [{ source: 'half \ud83d' }, 'half \ufffd'],
  ])('of %j is %j', (payload, key) => expect(keyOf(payload)).toBe(key));

  it('is none where it cannot be told', () => {
    const throwing: KeyLimits = {
      key: () => {
        throw new Error('no');
      },
    };
    expect(keyOf({}, throwing)).toBeUndefined();
  });

  it('is bounded, and differs where the texts do', () => {
    const [one, other] = ['x', 'y'].map((end) => keyOf({ source: 'a'.repeat(5_000) + end }));
    expect(one).toHaveLength(MAX_KEY_LENGTH);
    expect(one).not.toBe(other);
    // Cut through a pair of surrogates.
    expect(keyOf({ source: '😀'.repeat(300) })!.isWellFormed()).toBe(true);
    expect(keyOf({ source: `x${'😀'.repeat(300)}` })!.isWellFormed()).toBe(true);
  });

  it('may be that of a tenant or of a type', () => {
    const limits: KeyLimits = { key: (_payload, type, { tenant }) => `${tenant}/${type}` };
    expect(keyOf({}, limits)).toBe('default/job');
  });
});

describe('limits as texts', () => {
  it.each([
    {},
    { concurrency: 3 },
    { rate: { max: 1, durationMs: 2 } },
    { rate: { max: 9, durationMs: 1 }, concurrency: 1 },
  ])('are read as they were written: %j', (limit) => expect(limitOf(limitText(limit))).toEqual(limit));

  it('are refused in a declaration that cannot be kept', () => {
    const declare = (keyLimits: Omit<KeyLimits, 'key'>) => () =>
      defineQueue({
        name: 'limited',
        domain: 'test',
        description: 'x',
        jobs: {},
        worker: {},
        keyLimits: { ...bySource, ...keyLimits },
      });
    expect(declare({ concurrency: 0 })).toThrow('keyLimits.concurrency of queue "limited"');
    expect(declare({ rate: { max: 1.5, durationMs: 1 } })).toThrow('keyLimits.rate.max');
    expect(declare({ rate: { max: 1, durationMs: 1 }, concurrency: 1 })).not.toThrow();
  });
});

it('the score of a held job tells since when it waits, to the millisecond', () => {
  const now = Date.now();
  for (const since of [now, now + 1, 1, 4_102_444_800_000]) {
    expect(heldSince(HELD_FROM + since * HELD_STEP)).toBe(since);
  }
});

it('hints go through a channel that every Redis user of ours may use', () => {
  expect(hintChannel('bull')).toBe('bull:holdfast:key-limits');
  expect(hintChannel('bull:{tasks}')).toBe('bull:holdfast:key-limits');
});
