import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { provesOne, readKey } from './api-key';
import { ApiKeyStore, type ApiKey } from './api-key.store';
import type { Principal } from './principal';
import { RecentCopy } from './recent-copy';

const MARK_USED_EVERY_MS = 60_000;
const MAX_MARKED = 1_000;

interface KnownKey {
  readonly principal: Principal;
  readonly digests: readonly { readonly digest: Buffer; readonly until: number }[];
  readonly until: number;
}

/** Tells whose an API key is, without asking the database each time. */
@Injectable()
export class ApiKeys implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Keys');
  private readonly known: RecentCopy<KnownKey>;
  private readonly usedAt = new Map<string, number>();
  private timer?: NodeJS.Timeout;

  constructor(private readonly store: ApiKeyStore) {
    this.known = new RecentCopy(async (kid) => knownKey(await this.store.find(kid)));
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.markUsed(), MARK_USED_EVERY_MS);
    this.timer.unref();
  }

  // Later the pool of the database may be closed already.
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.markUsed();
  }

  /**
   * Undefined for a text that is no key, and for a key that is wrong, expired or revoked, all in the same way.
   * Throws DatabaseUnavailableError when the key is not known here and cannot be looked up.
   */
  async verify(text: string): Promise<Principal | undefined> {
    const given = readKey(text);
    if (given === undefined) return undefined;
    const key = await this.known.get(given.kid);
    const now = Date.now();
    const isProven = provesOne(given.secret, liveDigests(key, now));
    if (key === undefined || !isProven) return undefined;
    this.noteUse(given.kid, now);
    return key.principal;
  }

  /** Whose key this is, as long as one of its live secrets satisfies the test. Throws as {@link verify} does. */
  async holder(kid: string, isRight: (digest: Buffer) => boolean): Promise<Principal | undefined> {
    const key = await this.known.get(kid);
    if (key === undefined || !liveDigests(key, Date.now()).some(isRight)) return undefined;
    this.noteUse(kid, Date.now());
    return key.principal;
  }

  /** After a change: this process looks at once, the others within 30 s. */
  forget(kid: string): void {
    this.known.forget(kid);
  }

  private noteUse(kid: string, now: number): void {
    if (this.usedAt.size < MAX_MARKED || this.usedAt.has(kid)) this.usedAt.set(kid, now);
  }

  private async markUsed(): Promise<void> {
    const used = new Map(this.usedAt);
    this.usedAt.clear();
    try {
      await this.store.markUsed(used);
    } catch (error) {
      // The time of the last use is a help to people, and no reason to keep anything for later.
      if (!isDatabaseAway(error))
        this.logger.warn(`When keys were used is not noted: ${String(error).slice(0, 200)}`);
    }
  }
}

function liveDigests(key: KnownKey | undefined, now: number): Buffer[] {
  if (key === undefined || key.until <= now) return [];
  return key.digests.filter(({ until }) => until > now).map(({ digest }) => digest);
}

function knownKey(row: ApiKey | undefined): KnownKey | undefined {
  if (row === undefined || row.revokedAt !== null) return undefined;
  const { kid, name, tenant, role, queues, grants, requestsPerSecond, jobsPerMinute } = row;
  const limits = {
    ...(requestsPerSecond !== null && { requestsPerSecond }),
    ...(jobsPerMinute !== null && { jobsPerMinute }),
  };
  const bytes = (hash: string) => Buffer.from(hash, 'base64url');
  const digests = [{ digest: bytes(row.secretHash), until: Infinity }];
  if (row.previousSecretHash !== null && row.previousSecretUntil !== null) {
    digests.push({ digest: bytes(row.previousSecretHash), until: row.previousSecretUntil.getTime() });
  }
  return {
    principal: { id: kid, name, tenant, role, grants, limits, ...(queues !== null && { queues }) },
    digests,
    until: row.expiresAt?.getTime() ?? Infinity,
  };
}
