import { Injectable } from '@nestjs/common';
import { Settings } from '../../config/settings';
import type { CancelWish } from '../queue/attempt-log.service';
import { CANCEL_FIELD } from '../queue/attempt-record';
import { JobReader } from '../queue/job-reader.service';
import { JobRemovals } from '../queue/job-removals.service';
import { QueueRegistry, type RegisteredQueue } from '../queue/queue-registry.service';
import { platformKey } from '../redis/key-space';
import { RedisConnections } from '../redis/redis-connections.service';

/** `requested`: a worker has the job and is told; it ends as cancelled within seconds. */
export type Cancelled = 'removed' | 'requested' | 'finished' | 'unknown';

// Only a job that is being worked takes the wish: it lies in the active list, or at least its lock is held.
const MARK = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('EXISTS', KEYS[2]) == 0 and not redis.call('LPOS', KEYS[3], ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], '${CANCEL_FIELD}', ARGV[2])
return 1
`;

// A job may change hands between a look and a deed, but hardly three times in a row.
const MAX_ROUNDS = 4;

/** The channel on which the ids of jobs to cancel are called out; the mark in the job's hash is what counts. */
export function cancelChannel(settings: Settings): string {
  return platformKey(settings, 'cancel');
}

/** Cancels a job from any process: a waiting one at once, a running one through its handler's signal. */
@Injectable()
export class JobCancellation {
  constructor(
    private readonly reader: JobReader,
    private readonly registry: QueueRegistry,
    private readonly removals: JobRemovals,
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
  ) {}

  /** Rejects with the error of Redis, or of a listener of {@link JobRemovals}, which keeps the job. */
  async cancel(
    id: string,
    { reason, by, isWholeFlow = false }: CancelWish & { readonly isWholeFlow?: boolean },
  ): Promise<Cancelled> {
    const entry = this.registry.ofJob(id);
    if (entry === undefined) return 'unknown';
    const wish = { reason: reason.slice(0, 500), by: by.slice(0, 100) };
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const job = await this.reader.read(id);
      switch (job?.state) {
        case undefined:
          return 'unknown';
        case 'completed':
        case 'failed':
        case 'cancelled':
          return 'finished';
        case 'active':
          if (await this.request(entry, id, wish)) return 'requested';
          break;
        default:
          if (
            await this.removals.remove(id, {
              kind: 'cancelled',
              ...wish,
              ...(isWholeFlow && { isWholeFlow }),
            })
          )
            return 'removed';
      }
    }
    throw new Error(`Job ${id} changes its state too fast to be cancelled; try again.`);
  }

  private async request(
    { queue, definition }: RegisteredQueue,
    id: string,
    wish: CancelWish,
  ): Promise<boolean> {
    const base = `${queue.opts.prefix}:${definition.name}:`;
    const redis = this.connections.producer;
    const keys = [`${base}${id}`, `${base}${id}:lock`, `${base}active`];
    if ((await redis.eval(MARK, keys.length, ...keys, id, JSON.stringify(wish))) !== 1) return false;
    // Whoever misses the call looks at the mark a second later.
    await redis.publish(cancelChannel(this.settings), id).catch(() => 0);
    return true;
  }
}
