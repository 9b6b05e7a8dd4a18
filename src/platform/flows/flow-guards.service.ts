import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { JobRemovals, type Removal } from '../queue/job-removals.service';
import type { JobSnapshot } from '../queue/job-snapshot';
import { QueueRegistry, type RegisteredQueue } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { RetentionSweeper } from '../retention/retention-sweeper.service';

/** The job belongs to a flow that would go on as if it had never been. */
export class FlowMemberError extends Error {
  constructor(
    readonly jobId: string,
    readonly flow: string,
  ) {
    super(`Job ${jobId} belongs to flow ${flow}, which needs it: cancel the flow at /api/flows/${flow}.`);
    this.name = 'FlowMemberError';
  }
}

// A job is needed until the one that waits for it has completed, or has gone itself: a dead one may be sent back.
const NEEDED = `
local needed = {}
for at = 2, #ARGV do
  local fields = redis.call('TYPE', ARGV[1] .. ARGV[at]).ok == 'hash'
    and redis.call('HMGET', ARGV[1] .. ARGV[at], 'parentKey', 'parent')
  if fields and fields[1] and fields[2] and redis.call('EXISTS', fields[1]) == 1 then
    local parent = cjson.decode(fields[2])
    if not redis.call('ZSCORE', parent.queueKey .. ':completed', parent.id) then needed[#needed + 1] = ARGV[at] end
  end
end
return needed
`;

const WAITED_FOR = `
local fields = redis.call('HMGET', KEYS[1], 'parentKey', 'parent')
if not fields[1] or not fields[2] then return 0 end
local parent = cjson.decode(fields[2])
return redis.call('ZSCORE', parent.queueKey .. ':waiting-children', parent.id) and 1 or 0
`;

/** Keeps the jobs of a flow as long as others of it need them. */
@Injectable()
export class FlowGuards implements OnApplicationBootstrap {
  constructor(
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
    private readonly retention: RetentionSweeper,
    private readonly removals: JobRemovals,
  ) {}

  onApplicationBootstrap(): void {
    this.retention.guard(async (entry, _state, ids) => {
      const needed = await this.needed(entry, ids);
      return new Set(ids.filter((id) => !needed.has(id)));
    });
    this.removals.beforeRemoval((job, removal) => this.refuseMember(job, removal));
  }

  private async needed(entry: RegisteredQueue, ids: readonly string[]): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return new Set();
    const base = baseOf(entry);
    const needed = await this.connections.producer.eval(NEEDED, 1, `${base}meta`, base, ...ids);
    return new Set(needed as string[]);
  }

  /** A child that vanishes lets its parent run as if it had never been; a parent leaves its children to work for nobody. */
  private async refuseMember(job: JobSnapshot, { isWholeFlow }: Removal): Promise<void> {
    const { id, state, origin, queue } = job;
    if (isWholeFlow === true || origin.flow === undefined) return;
    const entry = this.registry.get(queue);
    const isWaiting = state === 'waiting-children';
    if (isWaiting || (entry !== undefined && (await this.isWaitedFor(entry, id)))) {
      throw new FlowMemberError(id, origin.flow.id);
    }
  }

  private async isWaitedFor(entry: RegisteredQueue, id: string): Promise<boolean> {
    return (await this.connections.producer.eval(WAITED_FOR, 1, `${baseOf(entry)}${id}`)) === 1;
  }
}

function baseOf({ queue, definition }: RegisteredQueue): string {
  return `${queue.opts.prefix}:${definition.name}:`;
}
