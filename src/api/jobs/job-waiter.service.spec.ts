import { jest } from '@jest/globals';
import { RedisUnavailableError } from '../../platform/redis/redis-unavailable.error';
import type { JobReader } from '../../platform/queue/job-reader.service';
import type { JobSnapshot } from '../../platform/queue/job-snapshot';
import { JobWaiter } from './job-waiter.service';

describe('waiting for a job', () => {
  const read = jest.fn<JobReader['read']>();
  const isHere = () => false;
  const inState = (state: string) => ({ id: 'default_x', state }) as JobSnapshot;
  const waiter = () => new JobWaiter({ read } as unknown as JobReader);

  beforeEach(() => read.mockReset());

  it('ends with the job as soon as it is done', async () => {
    read.mockResolvedValueOnce(inState('active')).mockResolvedValueOnce(inState('failed'));
    await expect(waiter().untilDone('default_x', 30_000, isHere)).resolves.toEqual(inState('failed'));
    expect(read).toHaveBeenCalledTimes(2);
  });

  it('ends when the time is up', async () => {
    read.mockResolvedValue(inState('active'));
    await expect(waiter().untilDone('default_x', 50, isHere)).resolves.toBeUndefined();
    expect(read.mock.calls.length).toBeLessThanOrEqual(5);
  });

  it('ends when the caller is gone', async () => {
    read.mockResolvedValue(inState('active'));
    await expect(waiter().untilDone('default_x', 30_000, () => true)).resolves.toBeUndefined();
  });

  it('ends when Redis goes away, for the job was accepted', async () => {
    read.mockRejectedValue(new RedisUnavailableError('away'));
    await expect(waiter().untilDone('default_x', 30_000, isHere)).resolves.toBeUndefined();
  });

  it('ends when the server stops', async () => {
    read.mockResolvedValue(inState('active'));
    const one = waiter();
    const waiting = one.untilDone('default_x', 30_000, isHere);
    one.beforeApplicationShutdown();
    await expect(waiting).resolves.toBeUndefined();
  });

  it('is for 200 callers at once', async () => {
    read.mockResolvedValue(inState('active'));
    const one = waiter();
    const waiting = Array.from({ length: 200 }, () => one.untilDone('default_x', 30_000, isHere));
    read.mockClear();
    await expect(one.untilDone('default_x', 30_000, isHere)).resolves.toBeUndefined();
    one.beforeApplicationShutdown();
    await Promise.all(waiting);
    read.mockResolvedValueOnce(inState('completed'));
    await expect(one.untilDone('default_x', 30_000, isHere)).resolves.toEqual(inState('completed'));
  });
});
