import { Injectable } from '@nestjs/common';
import { RedisConnections } from '../redis/redis-connections.service';
import type { SetPosition } from './job-sets.service';
import type { FinishedState } from './job-snapshot';
import type { RegisteredQueue } from './queue-registry.service';

/** The newest members of a queue's sets of finished jobs, and of its events; what is missing holds nothing. */
export interface EndsOfQueue extends Readonly<Partial<Record<FinishedState, SetPosition>>> {
  /** The id of the newest event. */
  readonly event?: string;
}

const PLACES = ['completed', 'failed', 'events'] as const;

// A place of another type has an end that is nobody's: whoever goes there then says what is wrong with it.
const ENDS = `
local found = {}
for at = 1, #KEYS do
  local last
  if at % ${PLACES.length} == 0 then
    last = redis.pcall('XREVRANGE', KEYS[at], '+', '-', 'COUNT', 1)
    if last[1] then last = { last[1][1] } end
  else
    last = redis.pcall('ZRANGE', KEYS[at], -1, -1, 'WITHSCORES')
  end
  found[at] = last.err and { '?', 'Infinity' } or last
end
return found
`;

/**
 * Tells in one question, of all queues, where something may be new: asked one by one, two dozen queues that rest cost
 * Redis and whoever follows them more than a busy one. On a Cluster it is one for the queues of each domain.
 */
@Injectable()
export class QueueEnds {
  constructor(private readonly connections: RedisConnections) {}

  /** Rejects with the error of Redis. */
  async of(entries: readonly RegisteredQueue[]): Promise<ReadonlyMap<RegisteredQueue, EndsOfQueue>> {
    this.connections.assertReady();
    // What has one prefix lies in one slot.
    const byPrefix = new Map<string, RegisteredQueue[]>();
    for (const entry of entries) {
      const { prefix = '' } = entry.queue.opts;
      byPrefix.set(prefix, [...(byPrefix.get(prefix) ?? []), entry]);
    }
    const found = await Promise.all([...byPrefix].map(([prefix, some]) => this.ask(prefix, some)));
    return new Map(found.flat());
  }

  private async ask(
    prefix: string,
    entries: readonly RegisteredQueue[],
  ): Promise<(readonly [RegisteredQueue, EndsOfQueue])[]> {
    const keys = entries.flatMap(({ definition }) =>
      PLACES.map((place) => `${prefix}:${definition.name}:${place}`),
    );
    const ends = (await this.connections.producer.eval(ENDS, keys.length, ...keys)) as string[][];
    return entries.map((entry, at) => {
      const [completed, failed, events] = ends.slice(at * PLACES.length);
      return [entry, { ...endOf('completed', completed), ...endOf('failed', failed), ...eventOf(events) }];
    });
  }
}

function endOf(state: FinishedState, [id, score]: readonly string[] = []): EndsOfQueue {
  return id === undefined || score === undefined ? {} : { [state]: { id, score } };
}

function eventOf([event]: readonly string[] = []): EndsOfQueue {
  return event === undefined ? {} : { event };
}
