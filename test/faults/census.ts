import type { RedisProcess } from '../support/redis-process';

export const liveStates = ['waiting', 'prioritised', 'delayed', 'active', 'waiting-children'] as const;
export type CountedState = (typeof liveStates)[number] | 'completed' | 'failed' | 'nowhere';

export interface CountedJob {
  readonly id: string;
  readonly state: CountedState;
  /** The key in its payload; undefined where the payload is gone or is no JSON. */
  readonly key?: string;
}

const queue = 'bull:chaos';
const lists = [
  ['waiting', `${queue}:wait`],
  ['waiting', `${queue}:paused`],
  ['active', `${queue}:active`],
] as const;
const sets = [
  ['prioritised', `${queue}:prioritized`],
  ['delayed', `${queue}:delayed`],
  ['waiting-children', `${queue}:waiting-children`],
  ['completed', `${queue}:completed`],
  ['failed', `${queue}:failed`],
] as const;
// What BullMQ and Holdfast keep beside the jobs of a queue.
const beside = /:(?:meta|id|pc|limiter|marker|events|stalled-check|stalled|de:.*|metrics:.*|repeat.*)$/;

/** Walks everything that a queue keeps in Redis: each job once, with the one state it has. */
export async function countJobs(redis: RedisProcess): Promise<CountedJob[]> {
  return await redis.query(async (client) => {
    const found = new Map<string, CountedState>();
    for (const [state, key] of lists) {
      for (const id of await client.lrange(key, 0, -1)) note(found, id, state);
    }
    for (const [state, key] of sets) {
      for (const id of await client.zrange(key, '0', '-1')) note(found, id, state);
    }
    // Jobs that no list and no set knows: nobody will ever run them.
    for (const key of await client.keys(`${queue}:*`)) {
      if (beside.test(key) || [...lists, ...sets].some(([, known]) => known === key)) continue;
      const id = key.slice(queue.length + 1);
      if (id.endsWith(':lock') || id.includes(':') || found.has(id)) continue;
      if ((await client.type(key)) === 'hash') found.set(id, 'nowhere');
    }
    const ids = [...found.keys()];
    const payloads = await Promise.all(ids.map((id) => client.hget(`${queue}:${id}`, 'data')));
    return ids.map((id, at) => ({ id, state: found.get(id) ?? 'nowhere', key: keyOf(payloads[at]) }));
  });
}

/** BullMQ once left markers named `0:…` in its lists; two states for one job are a finding of their own. */
function note(found: Map<string, CountedState>, id: string, state: CountedState): void {
  if (id.startsWith('0:')) return;
  const other = found.get(id);
  if (other !== undefined) throw new Error(`Job ${id} is ${other} and ${state} at the same time.`);
  found.set(id, state);
}

function keyOf(payload: string | null | undefined): string | undefined {
  try {
    const { key } = JSON.parse(payload ?? '{}') as { key?: unknown };
    return typeof key === 'string' ? key : undefined;
  } catch {
    return undefined;
  }
}
