import type { Cluster, Redis } from 'ioredis';

const RENEW_OR_TAKE = `
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 1
end
if holder then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;
const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

const INTERVALS = 3;
const SHORTEST_MS = 5_000;
// A fifth of the shortest lease: whoever holds it still does then, and who does not may wait as long for a free one.
const BELIEVED_MS = 1_000;

/** A lease in Redis that one process holds at a time, for work that is done every `intervalMs`. */
export class Lease {
  private isOurs = false;
  /** Until then what Redis has said is believed; by `performance.now()`. */
  private believedUntil = 0;
  private readonly durationMs: number;

  constructor(
    private readonly client: Redis | Cluster,
    private readonly key: string,
    private readonly holder: string,
    private readonly intervalMs: number,
  ) {
    this.durationMs = Math.max(intervalMs * INTERVALS, SHORTEST_MS);
  }

  /** Takes the lease, or renews it; not in Redis each time where turns follow each other quickly. Throws Redis's error. */
  async hold(): Promise<boolean> {
    const now = performance.now();
    if (now < this.believedUntil) return this.isOurs;
    this.isOurs = (await this.client.eval(RENEW_OR_TAKE, 1, this.key, this.holder, this.durationMs)) === 1;
    // Turns come at unequal distances: half of one less, so that none is left out for that.
    this.believedUntil = now + Math.max(this.intervalMs, BELIEVED_MS) - this.intervalMs / 2;
    return this.isOurs;
  }

  async release(): Promise<void> {
    this.believedUntil = 0;
    await this.client.eval(RELEASE, 1, this.key, this.holder);
  }
}
