import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Settings } from '../../config/settings';
import { platformKey } from '../redis/key-space';
import { RedisConnections } from '../redis/redis-connections.service';
import { isAway, refusalOf, RedisUnavailableError } from '../redis/redis-unavailable.error';

/** The answer to a request, as its repeats get it. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What is known of a key: who works under it, or what was answered; the fingerprint is a print of the body, '' while it is not known. */
export type IdempotencyRecord =
  | { readonly state: 'busy'; readonly fingerprint: string }
  | { readonly state: 'answered'; readonly fingerprint: string; readonly answer: StoredAnswer };

/** The right to work under a key; it runs out by itself when the process that holds it is gone. */
export interface IdempotencyLease {
  readonly record: string;
  readonly token: string;
}

const LIFE_MS = 86_400_000;
const LEASE_MS = 15_000;

// Fields: f fingerprint, o owner while the request is worked, a answer.
const CLAIM = `
local found = redis.call('HMGET', KEYS[1], 'f', 'a')
if found[1] then return found end
redis.call('HSET', KEYS[1], 'f', ARGV[1], 'o', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`;
const RENEW = `if redis.call('HGET', KEYS[1], 'o') == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`;
const RELEASE = `if redis.call('HGET', KEYS[1], 'o') == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;
// Whoever let the lease run out has been followed by somebody else, whose answer counts.
const COMPLETE = `
if redis.call('HGET', KEYS[1], 'o') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'f', ARGV[2], 'a', ARGV[3])
redis.call('HDEL', KEYS[1], 'o')
return redis.call('PEXPIRE', KEYS[1], ARGV[4])
`;

/** The records of idempotency keys in Redis: 24 hours for an answer, 15 seconds for a lease that nobody renews. */
@Injectable()
export class IdempotencyRecords {
  readonly renewalMs = LEASE_MS / 3;

  constructor(
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
  ) {}

  /** Takes the key, or says what is known of it. Rejects with RedisUnavailableError or the refusal of Redis. */
  async claim(record: string, fingerprint: string): Promise<IdempotencyLease | IdempotencyRecord> {
    this.connections.assertReady();
    const token = randomUUID();
    const reply = await this.asked(this.run(CLAIM, record, fingerprint, token, LEASE_MS));
    return reply === 1 ? { record, token } : recordOf(reply as (string | null)[])!;
  }

  /** What is known of the key now; undefined once nobody works under it any more and nothing was answered. */
  async look(record: string): Promise<IdempotencyRecord | undefined> {
    this.connections.assertReady();
    return recordOf(await this.asked(this.connections.producer.hmget(this.key(record), 'f', 'a')));
  }

  async renew({ record, token }: IdempotencyLease): Promise<void> {
    await this.run(RENEW, record, token, LEASE_MS);
  }

  /** Keeps the answer for the repeats of the next 24 hours. */
  async complete(lease: IdempotencyLease, fingerprint: string, answer: StoredAnswer): Promise<void> {
    await this.run(COMPLETE, lease.record, lease.token, fingerprint, JSON.stringify(answer), LIFE_MS);
  }

  async release({ record, token }: IdempotencyLease): Promise<void> {
    await this.run(RELEASE, record, token);
  }

  private run(script: string, record: string, ...args: (string | number)[]): Promise<unknown> {
    return this.connections.producer.eval(script, 1, this.key(record), ...args);
  }

  private key(record: string): string {
    return platformKey(this.settings, `idempotency:${record}`);
  }

  /** Nothing was enqueued yet: a lost answer about the key leaves no doubt about the job. */
  private async asked<T>(question: Promise<T>): Promise<T> {
    try {
      return await question;
    } catch (error) {
      if (!isAway(error) || refusalOf(error) !== undefined) throw error;
      throw new RedisUnavailableError('Redis does not answer.', { cause: error });
    }
  }
}

function recordOf([fingerprint, answer]: readonly (string | null)[]): IdempotencyRecord | undefined {
  if (fingerprint == null) return undefined;
  if (answer == null) return { state: 'busy', fingerprint };
  return { state: 'answered', fingerprint, answer: JSON.parse(answer) as StoredAnswer };
}
