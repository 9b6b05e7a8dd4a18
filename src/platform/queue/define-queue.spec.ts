import { defineQueue, type JobDefinition } from './define-queue';

class Payload {
  text?: string;
}

describe('the declaration of a queue', () => {
  const declare = (name: string, job: Omit<JobDefinition, 'payload'> = {}) =>
    defineQueue({
      name,
      domain: 'test',
      description: 'Jobs.',
      jobs: { 'do-it': { payload: Payload, ...job } },
      worker: { concurrency: 1 },
    });
  const same = (payload: Record<string, unknown>) => payload;

  it('is refused with a name that Redis or the platform needs otherwise', () => {
    expect(() => declare('a:b')).toThrow('cannot name a queue');
    expect(() => declare('holdfast')).toThrow('cannot name a queue');
  });

  it.each<[string, Omit<JobDefinition, 'payload'>, string]>([
    ['a version that is no number from 1 on', { version: 0 }, 'must be a whole number from 1 on'],
    ['half a version', { version: 1.5 }, 'must be a whole number from 1 on'],
    ['a step that is missing', { version: 3, upcast: { 1: same } }, 'is at version 3 without upcast[2]'],
    [
      'a step beyond its version',
      { version: 2, upcast: { 1: same, 2: same } },
      'declares upcast[2], but its version is 2',
    ],
    ['a step before the first version', { upcast: { 0: same } }, 'declares upcast[0]'],
  ])('is refused with %s', (_name, job, sentence) => {
    expect(() => declare('jobs', job)).toThrow(sentence);
  });

  it('is taken with a step for every version before its own', () => {
    expect(declare('jobs', { version: 3, upcast: { 1: same, 2: same } }).jobs['do-it'].version).toBe(3);
  });
});
