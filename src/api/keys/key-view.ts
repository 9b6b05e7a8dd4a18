import { createHash } from 'node:crypto';
import type { ApiKey } from '../../platform/auth/api-key.store';
import type { KeyDto } from './key.dto';

export function keyPath(kid: string): string {
  return `/api/keys/${kid}`;
}

/** A key as administrators see it, without any part of its secrets. */
export function keyView(key: ApiKey, now = Date.now()): KeyDto {
  const { kid, name, tenant, role, queues, grants, requestsPerSecond, jobsPerMinute, createdBy } = key;
  const self = keyPath(kid);
  return {
    kid,
    name,
    tenant,
    role,
    queues,
    grants,
    requestsPerSecond,
    jobsPerMinute,
    state: stateOf(key, now),
    createdAt: key.createdAt.toISOString(),
    createdBy,
    expiresAt: iso(key.expiresAt),
    lastUsedAt: iso(key.lastUsedAt),
    previousSecretUntil: isAhead(key.previousSecretUntil, now) ? iso(key.previousSecretUntil) : null,
    revokedAt: iso(key.revokedAt),
    links: { self, rotate: `${self}/rotate`, revoke: `${self}/revoke` },
  };
}

/** Names what a change could collide with; when the key was used is not part of it. */
export function keyTag(key: ApiKey): string {
  const { lastUsedAt: _lastUsedAt, ...rest } = key;
  return `"${createHash('sha256').update(JSON.stringify(rest)).digest('base64url').slice(0, 22)}"`;
}

function stateOf({ revokedAt, expiresAt }: ApiKey, now: number): KeyDto['state'] {
  if (revokedAt !== null) return 'revoked';
  return expiresAt === null || isAhead(expiresAt, now) ? 'active' : 'expired';
}

function isAhead(time: Date | null, now: number): boolean {
  return time !== null && time.getTime() > now;
}

function iso(time: Date | null): string | null {
  return time?.toISOString() ?? null;
}
