import { Injectable } from '@nestjs/common';
import { HELD_FROM } from '../key-limits/held-jobs-script';
import { KEY_FIELD, PERMIT_FIELD } from '../key-limits/key-limit';
import { RedisConnections } from '../redis/redis-connections.service';
import { snapshotFields, snapshotOf, type JobSnapshot, type JobState } from './job-snapshot';
import { QueueRegistry } from './queue-registry.service';

// State and hash are read in one step, so that no answer says "completed" without its result.
// BullMQ's own getState walks the wait list: 7 ms of Redis at 500,000 waiting jobs, for everybody.
// The active list is only as long as the workers' concurrency.
const READ_JOB = `
local fields = redis.call('HMGET', KEYS[1], ${snapshotFields.map((field) => `'${field}'`).join(', ')})
if not fields[1] then return nil end
local state = 'waiting'
local runAt, heldFor, inLineOf = false, false, false
local due = redis.call('ZSCORE', KEYS[4], ARGV[1])
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then state = 'completed'
elseif redis.call('ZSCORE', KEYS[3], ARGV[1]) then state = 'failed'
elseif due and tonumber(due) >= ${HELD_FROM} then heldFor = redis.call('HGET', KEYS[1], '${KEY_FIELD}')
elseif due then
  state = 'delayed'
  runAt = tostring(math.floor(due / 4096))
elseif redis.call('ZSCORE', KEYS[5], ARGV[1]) then state = 'waiting-children'
elseif redis.call('EXISTS', KEYS[1] .. ':lock') == 1 or redis.call('LPOS', KEYS[6], ARGV[1]) then state = 'active'
elseif redis.call('ZSCORE', KEYS[7], ARGV[1]) then
  local keyed = redis.call('HMGET', KEYS[1], '${KEY_FIELD}', '${PERMIT_FIELD}', 'ats')
  inLineOf = keyed[1] and not (keyed[2] or keyed[3]) and keyed[1]
end
return { state, runAt, fields, heldFor, inLineOf }
`;

type Reply = [JobState, string | null, (string | null)[], string | null, string | null] | null;

/** Reads one job at a cost that does not grow with the queue. */
@Injectable()
export class JobReader {
  constructor(
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
  ) {}

  /** Resolves undefined for an id of no queue here, and for a job that Redis no longer has. */
  async read(id: string): Promise<JobSnapshot | undefined> {
    const entry = this.registry.ofJob(id);
    if (entry === undefined) return undefined;
    this.connections.assertReady();
    const base = `${entry.queue.opts.prefix}:${entry.definition.name}`;
    const keys = [id, 'completed', 'failed', 'delayed', 'waiting-children', 'active', 'prioritized'].map(
      (part) => `${base}:${part}`,
    );
    const reply = (await this.connections.producer.eval(READ_JOB, keys.length, ...keys, id)) as Reply;
    if (reply === null) return undefined;
    const [state, dueAt, fields, heldFor, inLineOf] = reply;
    const job = snapshotOf(id, entry.definition.name, state, fields, dueAt);
    return {
      ...job,
      ...(heldFor !== null && { heldFor }),
      ...(inLineOf !== null && { inLineOf }),
    };
  }
}
