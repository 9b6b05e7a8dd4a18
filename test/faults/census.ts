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

// In one step, so that no job is seen on its way; a MULTI is refused by a Redis that is full.
// A job that was given the name of a list has taken its place, and the list is gone.
const READ_PLACES = `
local found = {}
for at, key in ipairs(KEYS) do
  local ids = at <= ${lists.length} and redis.pcall('LRANGE', key, 0, -1) or redis.pcall('ZRANGE', key, 0, -1)
  if ids.err and not string.find(ids.err, 'WRONGTYPE') then return ids end
  found[at] = ids.err and {} or ids
end
return found
`;

/** The state of each job that a list or a set of the queue knows; a job that has two is there twice. */
export async function statesOf(client: Redis, base: string): Promise<Map<string, CountedState>> {
  const keys = places.map(([, name]) => `${base}:${name}`);
  const replies = (await client.eval(READ_PLACES, keys.length, ...keys)) as string[][];
  const found = new Map<string, CountedState>();
  for (const [at, [state]] of places.entries()) {
    for (const id of replies[at] ?? []) found.set(found.has(id) ? `${id} (also ${state})` : id, state);
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
