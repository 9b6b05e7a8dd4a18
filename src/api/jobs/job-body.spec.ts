import type { JobSnapshot } from '../../platform/queue/job-snapshot';
import { jobBody } from './job-body';

describe('the body of a job', () => {
  const waiting: JobSnapshot = {
    id: 'default_x',
    queue: 'default',
    type: 'test-job',
    state: 'waiting',
    origin: { tenant: 'default', correlationId: 'c' },
    priority: 'normal',
    createdAt: 0,
    attemptsMade: 0,
    attemptsMax: 3,
    progress: 0,
    data: '{"message":"private"}',
    starts: 0,
    attempts: [],
  };

  it('never has the payload, and neither result nor error before the end', () => {
    const body = jobBody(waiting);
    expect(JSON.stringify(body)).not.toContain('private');
    expect(body).not.toHaveProperty('result');
    expect(body).not.toHaveProperty('error');
    expect(body).toMatchObject({ key: null, done: false, createdAt: '1970-01-01T00:00:00.000Z' });
  });

  it('has exactly one of result and error at the end', () => {
    const completed = jobBody({ ...waiting, state: 'completed' });
    expect(completed).toMatchObject({ done: true, result: null, progress: { percent: 100 } });
    expect(completed).not.toHaveProperty('error');
    const failed = jobBody({ ...waiting, state: 'failed', failedName: 'TypeError', failedReason: 'no' });
    expect(failed).toMatchObject({ done: true, error: { name: 'TypeError', message: 'no' } });
    expect(failed).not.toHaveProperty('result');
  });

  it.each([
    [40, { percent: 40 }],
    [
      { percent: 40, stage: 'parse', message: 'm', more: 1 },
      { percent: 40, stage: 'parse', message: 'm' },
    ],
    [{ percent: 140 }, { percent: 100 }],
    [{ percent: -1, stage: 7 }, { percent: 0 }],
    [{ percent: Number.NaN }, { percent: 0 }],
    ['half', { percent: 0 }],
    [null, { percent: 0 }],
    [{ stage: 's'.repeat(500) }, { percent: 0, stage: 's'.repeat(100) }],
  ])('reads progress %j', (progress, expected) => {
    expect(jobBody({ ...waiting, progress }).progress).toEqual(expected);
  });
});
