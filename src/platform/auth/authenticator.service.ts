import { Injectable } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import { timingSafeEqual } from 'node:crypto';
import { Settings } from '../../config/settings';
import { digestOf } from './api-key';
import { ApiKeys } from './api-keys.service';
import { KeyPresence } from './key-presence.service';
import { bootstrapPrincipal, localPrincipal, type Principal } from './principal';
import { sessionTokenIn } from './session-cookie';
import { Sessions } from './sessions.service';
import { TokenVerifier } from './token-verifier.service';

export interface Authenticated {
  readonly principal: Principal;
  /** A cookie travels with whatever a browser sends, wanted or not. */
  readonly isByCookie: boolean;
}

/** Tells who sends a request: by key, by token of an issuer, or by session. */
@Injectable()
export class Authenticator {
  private readonly bootstrap?: Buffer;

  constructor(
    private readonly settings: Settings,
    private readonly presence: KeyPresence,
    private readonly keys: ApiKeys,
    private readonly tokens: TokenVerifier,
    private readonly sessions: Sessions,
  ) {
    const { HOLDFAST_BOOTSTRAP_KEY } = settings;
    if (HOLDFAST_BOOTSTRAP_KEY !== undefined) this.bootstrap = digestOf(HOLDFAST_BOOTSTRAP_KEY);
  }

  /**
   * Undefined for a request that proves nothing; everybody is the administrator while the server has no key.
   * Throws DatabaseUnavailableError or `issuer_unavailable` when it cannot be told.
   */
  async authenticate(headers: IncomingHttpHeaders): Promise<Authenticated | undefined> {
    const { authorization } = headers;
    const bearer = authorization === undefined ? undefined : bearerIn(authorization);
    if (bearer !== undefined && this.isBootstrap(bearer)) return by(bootstrapPrincipal);
    if (!(await this.presence.isClosed())) return by(localPrincipal);
    // Whoever sends a header means it: a wrong key is no reason to look for a cookie.
    if (authorization !== undefined)
      return bearer === undefined ? undefined : by(await this.holderOf(bearer));
    const token = sessionTokenIn(headers, this.settings);
    return token === undefined ? undefined : by(await this.sessions.verify(token), true);
  }

  /** Whose a key is, as {@link authenticate} would find it in a header; tokens of an issuer are no keys. */
  async holderOfKey(key: string): Promise<Principal | undefined> {
    return this.isBootstrap(key) ? bootstrapPrincipal : this.keys.verify(key);
  }

  private async holderOf(bearer: string): Promise<Principal | undefined> {
    return (await this.keys.verify(bearer)) ?? (isToken(bearer) ? this.tokens.verify(bearer) : undefined);
  }

  private isBootstrap(key: string): boolean {
    return this.bootstrap !== undefined && timingSafeEqual(digestOf(key), this.bootstrap);
  }
}

function by(principal: Principal | undefined, isByCookie = false): Authenticated | undefined {
  return principal === undefined ? undefined : { principal, isByCookie };
}

function bearerIn(authorization: string): string | undefined {
  const [, credentials] = /^bearer (.+)$/i.exec(authorization) ?? [];
  // Node reads headers as Latin-1, whatever the client encoded.
  return credentials === undefined ? undefined : Buffer.from(credentials, 'latin1').toString('utf8').trim();
}

function isToken(bearer: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(bearer);
}
