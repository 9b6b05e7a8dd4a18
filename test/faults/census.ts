import type { Redis } from 'ioredis';

export const liveStates = ['waiting', 'prioritised', 'delayed', 'active', 'waiting-children'] as const;
export type CountedState = (typeof liveStates)[number] | 'completed' | 'failed' | 'nowhere';

export interface CountedJob {
  readonly id: string;
  readonly state: CountedState;
  /** The key in its payload; undefined where the payload is gone or is no JSON. */
  readonly key?: string;
}

const lists = [
  ['waiting', 'wait'],
  ['waiting', 'paused'],
  ['active', 'active'],
] as const;
const sets = [
  ['prioritised', 'prioritized'],
  ['delayed', 'delayed'],
  ['waiting-children', 'waiting-children'],
  ['completed', 'completed'],
  ['failed', 'failed'],
] as const;
const places: readonly (readonly [CountedState, string])[] = [...lists, ...sets];
// What BullMQ keeps beside the jobs of a queue.
const beside = /^(?:meta|id|pc|limiter|marker|events|stalled-check|stalled)$|:/;

/** The one state of each job that a list or a set of the queue knows; two at the same time are an error. */
export async function statesOf(client: Redis, base: string): Promise<Map<string, CountedState>> {
  const pipeline = client.pipeline();
  lists.forEach(([, name]) => pipeline.lrange(`${base}:${name}`, 0, -1));
  sets.forEach(([, name]) => pipeline.zrange(`${base}:${name}`, '0', '-1'));
  const replies = (await pipeline.exec()) ?? [];
  const found = new Map<string, CountedState>();
  for (const [at, [state]] of places.entries()) {
    const [error, ids] = replies[at] ?? [];
    // A job that was given the name of a list has taken its place.
    if (error?.message.startsWith('WRONGTYPE') === true) continue;
    if (error != null) throw error;
    for (const id of ids as string[]) {
      const other = found.get(id);
      if (other !== undefined) throw new Error(`Job ${id} is ${other} and ${state} at the same time.`);
      found.set(id, state);
    }
  }
  return found;
}

/** Walks everything that a queue keeps in Redis; a job that no list and no set knows will never be run. */
export async function countJobs(client: Redis, base: string): Promise<CountedJob[]> {
  const found = await statesOf(client, base);
  const known = new Set(places.map(([, name]) => name));
  for (const key of await client.keys(`${base}:*`)) {
    const id = key.slice(base.length + 1);
    if (beside.test(id) || known.has(id) || found.has(id)) continue;
    if ((await client.type(key)) === 'hash') found.set(id, 'nowhere');
  }
  const ids = [...found.keys()];
  const payloads = await Promise.all(ids.map((id) => client.hget(`${base}:${id}`, 'data')));
  return ids.map((id, at) => ({ id, state: found.get(id) ?? 'nowhere', key: keyOf(payloads[at]) }));
}

function keyOf(payload: string | null | undefined): string | undefined {
  try {
    const { key } = JSON.parse(payload ?? '{}') as { key?: unknown };
    return typeof key === 'string' ? key : undefined;
  } catch {
    return undefined;
  }
}
