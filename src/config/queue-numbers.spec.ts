import { readSettings } from './read-settings';
import { queueNumbers } from './queue-numbers';
import { concurrencyOf, defineQueue, retentionOf } from '../platform/queue/define-queue';

const define = (name: string, concurrency?: number) =>
  defineQueue({
    name,
    domain: 'test',
    description: 'None.',
    jobs: {},
    worker: concurrency === undefined ? {} : { concurrency },
    retention: { completed: { ageMs: 1_000, count: 7 } },
  });
const plain = define('plain');
const busy = define('busy', 9);

describe('numbers for queues in the settings', () => {
  it.each([
    ['5', 5, []],
    ['5,email=20', 5, [['email', 20]]],
    [
      'email=20,email=30,a-b_c=0',
      undefined,
      [
        ['email', 30],
        ['a-b_c', 0],
      ],
    ],
    [undefined, undefined, []],
  ])('reads %j', (text, all, of) => {
    const numbers = queueNumbers(text);
    expect({ all: numbers.all, of: [...numbers.of] }).toEqual({ all, of });
  });

  it.each(['', '5,', 'x', '-1', '1.5', 'email=', '=5', 'a=1=2', '5 , email=1', '9999999'])(
    'refuses %j with a sentence',
    (text) => {
      const read = () => readSettings({ QUEUE_REMOVE_ON_FAIL: text });
      if (text === '') expect(read().QUEUE_REMOVE_ON_FAIL).toBeUndefined();
      else expect(read).toThrow('QUEUE_REMOVE_ON_FAIL must be a whole number');
    },
  );

  it('lets a queue of its own number win over its declaration, and that over the number for all', () => {
    const settings = readSettings({ QUEUE_CONCURRENCY: '3,busy=20' });
    expect([concurrencyOf(plain, settings), concurrencyOf(busy, settings)]).toEqual([3, 20]);
    expect(concurrencyOf(busy, readSettings({ QUEUE_CONCURRENCY: '3' }))).toBe(9);
    expect(concurrencyOf(plain, readSettings({}))).toBe(5);
  });

  it('takes counts of finished jobs for all queues, and ages from their declarations', () => {
    const settings = readSettings({ QUEUE_REMOVE_ON_COMPLETE: '10,busy=100', QUEUE_REMOVE_ON_FAIL: '50' });
    expect(retentionOf(plain, settings)).toMatchObject({
      completed: { ageMs: 1_000, count: 10 },
      failed: { count: 50 },
    });
    expect(retentionOf(busy, settings).completed.count).toBe(100);
    expect(retentionOf(plain, readSettings({})).completed).toEqual({ ageMs: 1_000, count: 7 });
  });
});
