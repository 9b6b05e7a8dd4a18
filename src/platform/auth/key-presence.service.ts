import { Injectable } from '@nestjs/common';
import { Settings } from '../../config/settings';
import { DatabaseUnavailableError, isDatabaseAway } from '../database/database-unavailable.error';
import { ApiKeyStore } from './api-key.store';
import { withDeadline } from './recent-copy';

const LOOK_EVERY_MS = 5_000;
const RETRY_AFTER_MS = 1_000;

/** `open` as long as nobody can have a key, `unknown` while the database has never said. */
export type Presence = 'closed' | 'open' | 'unknown';

/** Knows whether there is a key by which callers can be told apart; once there is, the server stays closed. */
@Injectable()
export class KeyPresence {
  private known: Presence;
  private lookAgainAt = 0;
  private look?: Promise<void>;

  constructor(
    settings: Settings,
    private readonly keys: ApiKeyStore,
  ) {
    this.known = settings.hasKeyOfItsOwn ? 'closed' : 'unknown';
  }

  /** What is known now; a key that another process made shuts this one within seconds. */
  get state(): Presence {
    if (this.known === 'open' && Date.now() >= this.lookAgainAt) void this.refresh().catch(() => undefined);
    return this.known;
  }

  /** Throws DatabaseUnavailableError while it cannot be known, so that nobody is let in by mistake. */
  async isClosed(): Promise<boolean> {
    if (this.known === 'unknown') {
      if (Date.now() < this.lookAgainAt && this.look === undefined) {
        throw new DatabaseUnavailableError('Whether there are keys is not known yet.');
      }
      await this.refresh();
    }
    return this.state === 'closed';
  }

  /** What the database says at the start; an answer that does not come is no reason to wait. */
  async atStart(): Promise<Presence> {
    if (this.known !== 'closed') {
      await this.refresh().catch((error: unknown) => {
        if (!isDatabaseAway(error)) throw error;
      });
    }
    return this.known;
  }

  /** A key was made in this process. */
  close(): void {
    this.known = 'closed';
  }

  private refresh(): Promise<void> {
    this.look ??= this.ask().finally(() => {
      this.look = undefined;
    });
    return this.look;
  }

  private async ask(): Promise<void> {
    this.lookAgainAt = Date.now() + RETRY_AFTER_MS;
    const hasOne = await withDeadline(this.keys.hasEverHadOne());
    this.lookAgainAt = Date.now() + LOOK_EVERY_MS;
    if (this.known !== 'closed') this.known = hasOne ? 'closed' : 'open';
  }
}
