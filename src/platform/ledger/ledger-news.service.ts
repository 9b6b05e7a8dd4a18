import { Injectable } from '@nestjs/common';
import type { SetPosition } from '../queue/job-sets.service';
import type { FinishedState } from '../queue/job-snapshot';
import type { RegisteredQueue } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';

/** The ends of what a queue's history is read from; a place that is missing holds nothing. */
export interface QueueEnds extends Readonly<Partial<Record<FinishedState, SetPosition>>> {
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
  found[at] = last.err and { '?', '+inf' } or last
end
return found
`;

/**
 * Tells in one question, of all queues, where something may be new: asked one by one, two dozen queues that rest cost
 * Redis and this process more than a busy one.
 */
@Injectable()
export class LedgerNews {
  constructor(private readonly connections: RedisConnections) {}

  /** Rejects with the error of Redis. */
  async of(entries: readonly RegisteredQueue[]): Promise<ReadonlyMap<RegisteredQueue, QueueEnds>> {
    if (entries.length === 0) return new Map();
    this.connections.assertReady();
    const keys = entries.flatMap(({ queue, definition }) =>
      PLACES.map((place) => `${queue.opts.prefix}:${definition.name}:${place}`),
    );
    const ends = (await this.connections.producer.eval(ENDS, keys.length, ...keys)) as string[][];
    return new Map(
      entries.map((entry, at) => {
        const [completed, failed, events] = ends.slice(at * PLACES.length);
        return [entry, { ...endOf('completed', completed), ...endOf('failed', failed), ...eventOf(events) }];
      }),
    );
  }
}

function endOf(state: FinishedState, [id, score]: readonly string[] = []): QueueEnds {
  return id === undefined || score === undefined ? {} : { [state]: { id, score } };
}

function eventOf([event]: readonly string[] = []): QueueEnds {
  return event === undefined ? {} : { event };
}
