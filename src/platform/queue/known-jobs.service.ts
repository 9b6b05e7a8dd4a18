import { Injectable } from '@nestjs/common';
import { RedisConnections } from '../redis/redis-connections.service';
import { deduplicationMs } from './define-queue';
import type { FinishedState } from './job-snapshot';
import { knownJobBase, knownJobKey, knownJobOf, knownJobText, payloadFingerprint } from './known-job';
import type { RegisteredQueue } from './queue-registry.service';

// Only jobs with a key or a memory are answered, so that those without cost no more than a look.
const READ_NAMED = `
local found = {}
for at = 3, #ARGV do
  local key, memory = ARGV[1] .. ARGV[at], redis.call('GET', ARGV[2] .. ARGV[at])
  local opts = redis.call('TYPE', key).ok == 'hash' and redis.call('HGET', key, 'opts')
  if opts and (memory or string.find(opts, '"key":', 1, true)) then
    local fields = redis.call('HMGET', key, 'name', 'data', 'timestamp', 'finishedOn')
    found[#found + 1] = { ARGV[at], memory, fields }
  end
end
return found
`;

type Reply = readonly (readonly [id: string, memory: string | null, fields: readonly (string | null)[]])[];

/** Keeps the keys of jobs alive beyond the jobs themselves. */
@Injectable()
export class KnownJobs {
  constructor(private readonly connections: RedisConnections) {}

  /**
   * Call it before finished jobs are removed: those whose keys still stand for them are remembered for the rest of
   * the queue's window, counted from their end, with the way they ended.
   */
  async keep(
    entry: RegisteredQueue,
    state: FinishedState,
    ids: readonly string[],
    now = Date.now(),
  ): Promise<void> {
    if (ids.length === 0) return;
    const { queue, definition } = entry;
    const prefix = queue.opts.prefix ?? 'bull';
    const base = `${prefix}:${definition.name}:`;
    const redis = this.connections.producer;
    const named = (await redis.eval(
      READ_NAMED,
      1,
      `${base}${state}`,
      base,
      knownJobBase(prefix),
      ...ids,
    )) as Reply;
    await Promise.all(
      named.map(async ([id, memory, fields]) => {
        const text = remembered(memory, fields, state);
        const leftMs = Number(fields[3] ?? now) + deduplicationMs(definition) - now;
        const key = knownJobKey(prefix, id);
        await (leftMs > 0 && text !== undefined ? redis.set(key, text, 'PX', leftMs) : redis.del(key));
      }),
    );
  }
}

function remembered(
  memory: string | null,
  [type, data, timestamp]: readonly (string | null)[],
  ended: FinishedState,
): string | undefined {
  const known = memory === null ? undefined : knownJobOf(memory);
  if (known !== undefined) return knownJobText({ ...known, ended });
  try {
    const fingerprint = payloadFingerprint(type ?? '', data ?? '');
    return knownJobText({ fingerprint, createdAt: Number(timestamp), type: type ?? '', ended });
  } catch {
    // A payload that is no JSON any more cannot be told from another.
    return undefined;
  }
}
