import { Injectable, Logger } from '@nestjs/common';
import { createHmac } from 'node:crypto';
import { SharedKeys } from '../auth/shared-keys.service';

const PREFIX = 'k1.';
const ERROR_LOG_INTERVAL_MS = 10_000;

/**
 * What is kept of a body: an HMAC of its fingerprint. A bare hash would let whoever reads Redis try short secrets until
 * one fits.
 */
@Injectable()
export class BodyPrints {
  private readonly logger = new Logger('Idempotency');
  private key?: Buffer;
  private lastErrorLoggedAt = 0;

  constructor(private readonly keys: SharedKeys) {}

  /**
   * '' for '', which stands for a body that is not known; so is every body to a process that has never heard from the
   * database, where the key comes from. Never rejects.
   */
  async of(fingerprint: string): Promise<string> {
    if (fingerprint === '') return '';
    try {
      this.key ??= await this.keys.keyFor('holdfast idempotency body');
    } catch (error) {
      this.logError(error);
      return '';
    }
    return PREFIX + createHmac('sha256', this.key).update(fingerprint).digest('base64url').slice(0, 22);
  }

  /** Whether a kept print is of another body than this fingerprint; what is not known is no other. */
  async isOther(kept: string, fingerprint: string): Promise<boolean> {
    // Releases before kept the bare fingerprint, for a day.
    const own = kept.startsWith(PREFIX) ? await this.of(fingerprint) : fingerprint;
    return kept !== '' && own !== '' && own !== kept;
  }

  private logError(error: unknown): void {
    const now = Date.now();
    if (now - this.lastErrorLoggedAt < ERROR_LOG_INTERVAL_MS) return;
    this.lastErrorLoggedAt = now;
    this.logger.warn(`Repeats are told by their key alone: ${String(error).slice(0, 200)}`);
  }
}
