import { Injectable } from '@nestjs/common';
import { Settings } from '../../config/settings';
import { StoreIdentity } from '../../platform/memory/store-identity.service';
import { MemoryWatch } from '../../platform/memory/memory-watch.service';
import { QueueKeyTypes } from '../../platform/queue/queue-key-types.service';
import { platformKey } from '../../platform/redis/key-space';
import { RedisConnections } from '../../platform/redis/redis-connections.service';
import { missingRights } from '../../platform/redis/redis-rights';
import { isAway } from '../../platform/redis/redis-unavailable.error';
import { RedisVitalsReader, type RedisVitals } from '../../platform/redis/redis-vitals.service';

const MAX_CLOCK_SKEW_MS = 1_000;
const OLDEST_VERSION = [6, 2] as const;
const SLOW_CHECKS_CACHE_MS = 10_000;
const EMPTIED_SHOWN_MS = 3_600_000;
const MAX_NAMED = 10;

type Finding = Record<string, string | number>;

interface Cached {
  readonly at: number;
  readonly found: Promise<string[]>;
}

/**
 * Whether this Redis is one that jobs may be trusted to. Each check rejects with one sentence that may be shown to
 * anybody; while Redis is away they say nothing, because another check does.
 */
@Injectable()
export class RedisFitness {
  private readonly cached = new Map<string, Cached>();

  constructor(
    private readonly connections: RedisConnections,
    private readonly vitals: RedisVitalsReader,
    private readonly keyTypes: QueueKeyTypes,
    private readonly store: StoreIdentity,
    private readonly memory: MemoryWatch,
    private readonly settings: Settings,
  ) {}

  async isPrimary(): Promise<Finding> {
    return this.ask((vitals) => {
      const other = vitals.nodes.find(({ role }) => role !== 'master');
      if (other === undefined) return { role: 'primary' };
      throw new Error('This Redis is a replica, which takes no jobs: point the settings at the primary.');
    });
  }

  /** Only in production: a Redis without an append-only file loses what it had acknowledged when it is killed. */
  async isDurable(): Promise<Finding> {
    return this.ask(({ nodes }) => {
      const isSafe = nodes.every(({ isAppendOnly }) => isAppendOnly);
      if (isSafe) return { appendOnly: 'yes' };
      if (!this.settings.isProduction) return { appendOnly: 'no, which production refuses' };
      if (this.settings.ACCEPT_LOSS) return { appendOnly: 'no, accepted by ACCEPT_LOSS' };
      throw new Error(
        'Redis keeps no append-only file and loses jobs when it is killed: set appendonly to yes, or ACCEPT_LOSS to true.',
      );
    });
  }

  /** BullMQ takes the time from the clocks of its clients: one that is wrong runs delayed jobs early or late. */
  async clockAgrees(): Promise<Finding> {
    return this.ask(({ clockAheadMs }) => {
      if (Math.abs(clockAheadMs) <= MAX_CLOCK_SKEW_MS) return { clockAheadMs };
      const direction = clockAheadMs > 0 ? 'ahead of' : 'behind';
      throw new Error(
        `The clock of this process is ${Math.abs(clockAheadMs)} ms ${direction} that of Redis: synchronise them.`,
      );
    });
  }

  async isRecent(): Promise<Finding> {
    return this.ask(({ nodes }) => {
      const old = nodes.find(({ version }) => isOlder(version));
      if (old === undefined) return { version: nodes[0]?.version ?? 'unknown' };
      throw new Error(
        `Redis ${old.version} is too old: ${OLDEST_VERSION.join('.')} is the oldest that works.`,
      );
    });
  }

  async grantsRights(): Promise<Finding> {
    const key = platformKey(this.settings, 'write-probe');
    const missing = await this.slowly('rights', () => missingRights(this.connections.producer, key));
    if (missing === undefined) return unknown;
    if (missing.length === 0) return { rights: 'all' };
    throw new Error(`The Redis user may not send ${named(missing)}: grant these commands.`);
  }

  /** A spoiled key stops its queue for good, and with it everybody who adds to it. */
  async queuesAreSound(): Promise<Finding> {
    const spoiled = await this.slowly('keys', () => this.keyTypes.spoiled());
    if (spoiled === undefined) return unknown;
    if (spoiled.length === 0) return { spoiled: 0 };
    throw new Error(
      `These keys of queues hold something else and stop them: ${named(spoiled)}. Remove them.`,
    );
  }

  /** Says for an hour that Redis was emptied; whoever restarts the process would not bring the jobs back. */
  storeIsTheSame(): Finding {
    const { emptied } = this.store;
    if (emptied === undefined || Date.now() - emptied.noticedAt > EMPTIED_SHOWN_MS)
      return { contents: 'as before' };
    return {
      noticedAt: new Date(emptied.noticedAt).toISOString(),
      contents: 'Redis was emptied or exchanged: jobs that had been accepted are lost.',
    };
  }

  /** A full Redis still answers, drains and lets operators look: it is no reason to take the process away. */
  hasRoom(): Finding {
    return { fullness: this.memory.fullness() };
  }

  private async ask(judge: (vitals: RedisVitals) => Finding): Promise<Finding> {
    if (!this.connections.isReady()) return unknown;
    let vitals: RedisVitals;
    try {
      vitals = await this.vitals.read();
    } catch (error) {
      if (isAway(error)) return unknown;
      throw new Error('Redis cannot be examined: its user needs INFO and TIME.', { cause: error });
    }
    return judge(vitals);
  }

  /** Some checks ask much: their findings hold for ten seconds. */
  private async slowly(name: string, look: () => Promise<string[]>): Promise<string[] | undefined> {
    if (!this.connections.isReady()) return undefined;
    const now = Date.now();
    const cached = this.cached.get(name);
    const found = cached !== undefined && now - cached.at < SLOW_CHECKS_CACHE_MS ? cached.found : look();
    this.cached.set(name, { at: cached?.found === found ? cached.at : now, found });
    try {
      return await found;
    } catch (error) {
      this.cached.delete(name);
      if (isAway(error)) return undefined;
      throw new Error('Redis cannot be examined.', { cause: error });
    }
  }
}

const unknown: Finding = { found: 'unknown while Redis does not answer' };

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1]);
}

function named(all: readonly string[]): string {
  const more = all.length > MAX_NAMED ? ` and ${all.length - MAX_NAMED} more` : '';
  return `${all.slice(0, MAX_NAMED).join(', ')}${more}`;
}
