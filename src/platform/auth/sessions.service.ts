import { Injectable } from '@nestjs/common';
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Settings } from '../../config/settings';
import { digestOf, readKey } from './api-key';
import { ApiKeys } from './api-keys.service';
import { bootstrapPrincipal, type Principal } from './principal';
import { RecentCopy } from './recent-copy';
import { SessionStore, type Session } from './session.store';
import { SharedKeys } from './shared-keys.service';

const SECRET_BYTES = 32;
const SESSION_MS = 43_200_000;
const shape = /^([\w-]{43})\.([\w-]{43})$/;

/** What goes into the cookie, and when it ends. */
export interface OpenedSession {
  readonly token: string;
  readonly expiresAt: Date;
}

/**
 * Browser sessions of twelve hours: a row that every process reads, under a token that is signed, so that a forged one
 * costs no query. A session ends with its key, with the secret it was opened with, and with the log-out.
 */
@Injectable()
export class Sessions {
  private readonly known: RecentCopy<Session>;

  constructor(
    private readonly settings: Settings,
    private readonly store: SessionStore,
    private readonly keys: ApiKeys,
    private readonly shared: SharedKeys,
  ) {
    this.known = new RecentCopy((idHash) => this.store.find(idHash));
  }

  /** Opens a session for whoever has just proven to hold the key. Rejects while the database is away. */
  async open(principal: Principal, key: string): Promise<OpenedSession> {
    const secret = await this.shared.secret();
    const id = randomBytes(SECRET_BYTES).toString('base64url');
    const expiresAt = new Date(Date.now() + SESSION_MS);
    const proven = digestOf(principal.id === bootstrapPrincipal.id ? key : (readKey(key)?.secret ?? key));
    await this.store.create({
      idHash: hashOf(id),
      kid: principal.id,
      secretPrint: mac(secret, proven),
      expiresAt,
    });
    return { token: `${id}.${mac(secret, id)}`, expiresAt };
  }

  /** Undefined for what is forged or over. Throws DatabaseUnavailableError when it cannot be told. */
  async verify(token: string): Promise<Principal | undefined> {
    const id = await this.signedId(token);
    const session = id === undefined ? undefined : await this.known.get(hashOf(id));
    if (session === undefined || session.expiresAt.getTime() <= Date.now()) return undefined;
    const secret = await this.shared.secret();
    const isRight = (digest: Buffer) => isSame(mac(secret, digest), session.secretPrint);
    if (session.kid !== bootstrapPrincipal.id) return this.keys.holder(session.kid, isRight);
    const { HOLDFAST_BOOTSTRAP_KEY } = this.settings;
    const isStillSet = HOLDFAST_BOOTSTRAP_KEY !== undefined && isRight(digestOf(HOLDFAST_BOOTSTRAP_KEY));
    return isStillSet ? bootstrapPrincipal : undefined;
  }

  /** Ends a session: here at once, elsewhere within 30 s. */
  async end(token: string): Promise<void> {
    const id = await this.signedId(token);
    if (id === undefined) return;
    await this.store.remove(hashOf(id));
    this.known.forget(hashOf(id));
  }

  private async signedId(token: string): Promise<string | undefined> {
    const [, id, signature] = shape.exec(token) ?? [];
    if (id === undefined || signature === undefined) return undefined;
    return isSame(mac(await this.shared.secret(), id), signature) ? id : undefined;
  }
}

function mac(secret: Buffer, text: string | Buffer): string {
  return createHmac('sha256', secret).update(text).digest('base64url');
}

function hashOf(id: string): string {
  return digestOf(id).toString('base64url');
}

function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
