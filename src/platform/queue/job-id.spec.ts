import fc from 'fast-check';
import { jobId, queueOfJobId } from './job-id';

describe('job ids', () => {
  it('are legal in BullMQ, name their queue and never show the key, whatever the key is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (key) => {
        const id = jobId('flight-search', key);
        expect(id).toMatch(/^flight-search_[A-Za-z0-9_-]{22}$/);
        expect(queueOfJobId(id)).toBe('flight-search');
      }),
    );
  });

  it('are equal for equal keys, and differ by key, queue and tenant', () => {
    expect(jobId('a', 'k')).toBe(jobId('a', 'k'));
    expect(new Set([jobId('a', 'k'), jobId('a', 'l'), jobId('b', 'k'), jobId('a', 'k', 'other')]).size).toBe(
      4,
    );
  });

  it('are random without a key', () => {
    expect(jobId('a')).not.toBe(jobId('a'));
  });

  it.each(['wait', 'meta', 'active', '', 'a:b', '__proto__', 'queue_short', `q_${'x'.repeat(23)} `, '../x'])(
    'name no queue when they are %p',
    (id) => expect(queueOfJobId(id)).toBeUndefined(),
  );
});
