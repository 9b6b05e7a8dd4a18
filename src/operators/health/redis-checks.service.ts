import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Settings } from '../../config/settings';
import { platformKey } from '../../platform/redis/key-space';
import { RedisConnections } from '../../platform/redis/redis-connections.service';

const POLICY_CACHE_MS = 10_000;
const WRITE_PROBE_LIFE_MS = 60_000;

/** What the probes ask of Redis. Each rejects with one sentence that may be shown to anybody. */
@Injectable()
export class RedisChecks implements OnModuleInit {
  private policies?: { readonly names: readonly string[]; readonly readAt: number };
  private hasConnected = false;

  constructor(
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
  ) {}

  onModuleInit(): void {
    this.hasConnected = this.connections.isReady();
    this.connections.producer.once('ready', () => (this.hasConnected = true));
  }

  /** Holds for good once Redis was reached. */
  wasReached(): void {
    if (!this.hasConnected) throw new Error('Redis has not been reached yet.');
  }

  async answers(): Promise<void> {
    this.assertConnected();
    await this.connections.pingMs().catch((error: unknown) => fail('Redis does not answer', error));
  }

  /** A ping is answered by a replica, by a full disk and by a full memory too; a write is not. */
  async acceptsWrites(): Promise<void> {
    this.assertConnected();
    const key = platformKey(this.settings, 'write-probe');
    await this.connections.producer
      .set(key, String(Date.now()), 'PX', WRITE_PROBE_LIFE_MS)
      .catch((error: unknown) => fail('Redis refuses to write', error));
  }

  /** Under any other policy Redis throws waiting jobs away when its memory is full. */
  async keepsEveryJob(): Promise<{ policy: string }> {
    this.assertConnected();
    const names = await this.evictionPolicies().catch((error: unknown) =>
      fail('The eviction policy cannot be read', error),
    );
    const unsafe = names.find((name) => name !== 'noeviction');
    if (unsafe !== undefined) {
      throw new Error(
        `maxmemory-policy is ${unsafe}, which loses jobs when memory is full: set it to noeviction.`,
      );
    }
    return { policy: 'noeviction' };
  }

  private assertConnected(): void {
    if (!this.connections.isReady()) throw new Error('Redis is not connected.');
  }

  private async evictionPolicies(): Promise<readonly string[]> {
    const now = Date.now();
    if (this.policies !== undefined && now - this.policies.readAt < POLICY_CACHE_MS)
      return this.policies.names;
    const { producer } = this.connections;
    const nodes = 'nodes' in producer ? producer.nodes('master') : [producer];
    const names = await Promise.all(nodes.map((node) => evictionPolicy(node)));
    this.policies = { names, readAt: now };
    return names;
  }
}

interface Node {
  config(subcommand: 'GET', parameter: string): Promise<unknown>;
  info(section: string): Promise<string>;
}

/** Hosted Redis often forbids CONFIG and still answers INFO. */
async function evictionPolicy(node: Node): Promise<string> {
  try {
    const reply = await node.config('GET', 'maxmemory-policy');
    if (Array.isArray(reply) && typeof reply[1] === 'string') return reply[1];
  } catch (error) {
    if (!(error instanceof Error) || !/^(NOPERM|ERR)\b/.test(error.message)) throw error;
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(await node.info('memory'))?.[1];
  if (policy === undefined) throw new Error('Neither CONFIG GET nor INFO names it');
  return policy;
}

/** Redis' own text names scripts and keys: only its first word, such as OOM or READONLY, is shown. */
function fail(what: string, error: unknown): never {
  const text = error instanceof Error ? error.message : '';
  const word = /^[A-Z]{3,20}\b/.exec(text)?.[0];
  throw new Error(word === undefined || word === 'ERR' ? `${what}.` : `${what} (${word}).`, { cause: error });
}
