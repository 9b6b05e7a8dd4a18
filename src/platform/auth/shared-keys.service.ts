import { Injectable } from '@nestjs/common';
import { hkdfSync, randomBytes } from 'node:crypto';
import { DatabaseUnavailableError, isDatabaseAway } from '../database/database-unavailable.error';
import { withDeadline } from './recent-copy';
import { SessionStore } from './session.store';

const KEY_BYTES = 32;
const RETRY_AFTER_MS = 5_000;

/** The secret of the sessions, which all processes share, and keys for other purposes that are derived from it. */
@Injectable()
export class SharedKeys {
  private known?: Promise<string>;
  private askAgainAt = 0;

  constructor(private readonly sessions: SessionStore) {}

  /** Rejects while the database is away, once it was heard from no more. */
  async secret(): Promise<Buffer> {
    return Buffer.from(await this.read(), 'base64url');
  }

  /** A key by HKDF: one purpose, one key, in all processes. Rejects as {@link secret} does. */
  async keyFor(purpose: string): Promise<Buffer> {
    return derivedKey(await this.read(), purpose);
  }

  private async read(): Promise<string> {
    if (this.known === undefined && Date.now() < this.askAgainAt) {
      throw new DatabaseUnavailableError('The database did not answer a moment ago.');
    }
    const proposal = randomBytes(KEY_BYTES).toString('base64url');
    this.known ??= withDeadline(this.sessions.signingSecret(proposal));
    try {
      return await this.known;
    } catch (error) {
      if (isDatabaseAway(error)) this.askAgainAt = Date.now() + RETRY_AFTER_MS;
      this.known = undefined;
      throw error;
    }
  }
}

/** 32 bytes by HKDF with SHA-256. */
export function derivedKey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', purpose, KEY_BYTES));
}
