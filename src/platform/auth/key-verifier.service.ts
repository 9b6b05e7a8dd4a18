import { Injectable } from '@nestjs/common';
import { createHash, timingSafeEqual } from 'node:crypto';
import { Settings } from '../../config/settings';
import type { Principal } from './principal';

const bootstrap: Principal = { id: 'bootstrap', role: 'admin', tenant: 'default' };
const local: Principal = { id: 'local', role: 'admin', tenant: 'default' };

/** Knows the key of this server and tells who an `Authorization` header stands for. */
@Injectable()
export class KeyVerifier {
  private readonly digest: Buffer | undefined;

  constructor(settings: Settings) {
    const key = settings.HOLDFAST_BOOTSTRAP_KEY;
    this.digest = key === undefined ? undefined : digestOf(key);
  }

  /** Without a key everybody on this machine is the administrator, and nobody else is served. */
  get hasKey(): boolean {
    return this.digest !== undefined;
  }

  /**
   * Takes `Bearer <key>`, or `Basic` with any user name and the key as password, as browsers send it.
   * The comparison takes the same time wherever the keys differ.
   */
  verify(authorization: string | undefined): Principal | undefined {
    if (this.digest === undefined) return local;
    const given = keyOf(authorization ?? '');
    return given !== undefined && timingSafeEqual(digestOf(given), this.digest) ? bootstrap : undefined;
  }
}

function keyOf(authorization: string): string | undefined {
  const [, scheme, credentials] = /^(bearer|basic) (.+)$/i.exec(authorization) ?? [];
  if (scheme === undefined || credentials === undefined) return undefined;
  // Node reads headers as Latin-1, whatever the client encoded.
  if (scheme.toLowerCase() === 'bearer') return Buffer.from(credentials, 'latin1').toString('utf8').trim();
  const decoded = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return colon === -1 ? undefined : decoded.slice(colon + 1);
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
