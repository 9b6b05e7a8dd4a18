import { Injectable } from '@nestjs/common';
import { isKeyId, newKeyId, newSecret, writeKey } from '../../platform/auth/api-key';
import { ApiKeyStore, type ApiKey, type ApiKeyPosition } from '../../platform/auth/api-key.store';
import { ApiKeys } from '../../platform/auth/api-keys.service';
import { KeyPresence } from '../../platform/auth/key-presence.service';
import { HOME_TENANT } from '../../platform/auth/permissions';
import type { Principal } from '../../platform/auth/principal';
import { problem } from '../../platform/problems/problem-catalogue';
import { encodeCursor, nextLink, timePlaceIn } from '../../platform/http/cursor';
import { keyTag, keyView } from './key-view';
import type { ChangeKeyDto, CreatedKeyDto, CreateKeyDto, KeyListDto, KeyListQueryDto } from './key.dto';

/** What administrators may do to keys: those of the home tenant to all, others to the keys of their own tenant. */
@Injectable()
export class Keys {
  constructor(
    private readonly store: ApiKeyStore,
    private readonly keys: ApiKeys,
    private readonly presence: KeyPresence,
  ) {}

  async create(wish: CreateKeyDto, admin: Principal): Promise<CreatedKeyDto> {
    const { name, role, tenant = admin.tenant, grants = [] } = wish;
    if (!reaches(admin, tenant)) {
      throw problem('forbidden', { detail: 'Only the home tenant makes keys for other tenants.' });
    }
    const kid = newKeyId();
    const secret = newSecret();
    const created = await this.store.create(
      { kid, tenant, name, role, grants, createdBy: admin.id, ...columnsOf(wish) },
      secret,
    );
    this.presence.close();
    return { ...keyView(created), key: writeKey({ kid, secret }) };
  }

  /** Throws `key_not_found`, also for the key of a tenant that is none of the asking one's business. */
  async require(kid: string, admin: Principal): Promise<ApiKey> {
    const key = isKeyId(kid) ? await this.store.find(kid) : undefined;
    if (key === undefined || !reaches(admin, key.tenant)) throw problem('key_not_found');
    return key;
  }

  async list(query: KeyListQueryDto, admin: Principal): Promise<{ page: KeyListDto; link?: string }> {
    const { limit, cursor } = query;
    const found = await this.store.list({
      limit: limit + 1,
      ...(admin.tenant !== HOME_TENANT && { tenant: admin.tenant }),
      ...(cursor !== undefined && { after: positionIn(cursor) }),
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next =
      found.length > limit && last !== undefined ? encodeCursor([last.createdAt.getTime(), last.kid]) : null;
    return {
      page: { items: items.map((key) => keyView(key)), next_cursor: next },
      ...(next !== null && { link: nextLink('/api/keys', query, next) }),
    };
  }

  async change(kid: string, admin: Principal, wish: ChangeKeyDto, ifMatch?: string): Promise<ApiKey> {
    const key = await this.require(kid, admin);
    if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== keyTag(key))
      throw problem('precondition_failed');
    const { name, role, grants } = wish;
    const change = {
      ...(name !== undefined && { name }),
      ...(role !== undefined && { role }),
      ...(grants !== undefined && { grants }),
      ...columnsOf(wish),
    };
    return this.known(kid, this.store.change(kid, change));
  }

  async rotate(kid: string, admin: Principal, graceSeconds: number): Promise<CreatedKeyDto> {
    await this.require(kid, admin);
    const secret = newSecret();
    const until = new Date(Date.now() + graceSeconds * 1_000);
    const rotated = await this.known(kid, this.store.rotate(kid, secret, until));
    return { ...keyView(rotated), key: writeKey({ kid, secret }) };
  }

  /** A key that is revoked already stays as it is. */
  async revoke(kid: string, admin: Principal): Promise<ApiKey> {
    const key = await this.require(kid, admin);
    return key.revokedAt === null ? this.known(kid, this.store.revoke(kid)) : key;
  }

  async remove(kid: string, admin: Principal): Promise<void> {
    await this.require(kid, admin);
    await this.store.remove(kid);
    this.keys.forget(kid);
  }

  /** The row after a change, of which this process knows at once; throws when there was nothing to change any more. */
  private async known(kid: string, changing: Promise<ApiKey | undefined>): Promise<ApiKey> {
    const changed = await changing;
    this.keys.forget(kid);
    if (changed === undefined) {
      throw problem('conflict', { detail: 'The key is revoked; create another one.' });
    }
    return changed;
  }
}

function reaches(admin: Principal, tenant: string): boolean {
  return admin.tenant === HOME_TENANT || admin.tenant === tenant;
}

type Columns = Pick<ChangeKeyDto, 'queues' | 'expiresAt' | 'requestsPerSecond' | 'jobsPerMinute'>;

function columnsOf({ queues, expiresAt, requestsPerSecond, jobsPerMinute }: Columns) {
  return {
    ...(requestsPerSecond !== undefined && { requestsPerSecond }),
    ...(jobsPerMinute !== undefined && { jobsPerMinute }),
    ...(queues !== undefined && { queues }),
    ...(expiresAt !== undefined && { expiresAt: expiresAt === null ? null : new Date(expiresAt) }),
  };
}

function positionIn(cursor: string): ApiKeyPosition {
  const { at, id } = timePlaceIn(cursor, isKeyId);
  return { createdAt: at, kid: id };
}
