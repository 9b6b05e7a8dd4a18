import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Settings } from '../../config/settings';
import { RateWindows } from '../../platform/limits/rate-windows.service';
import { problem } from '../../platform/problems/problem-catalogue';

const MINUTE_MS = 60_000;
// Each holds a file and a socket open for as long as its reader likes.
const MAX_OPEN = 200;
const MAX_OPEN_OF_ADDRESS = 50;

/** What callers without a key may take, by their address; behind a proxy that is the proxy's, for all together. */
@Injectable()
export class LinkLimits {
  private readonly open = new Map<string, number>();
  private openInAll = 0;

  constructor(
    private readonly windows: RateWindows,
    private readonly settings: Settings,
  ) {}

  /** Counts a request until it is answered. Throws `rate_limited` or `too_many_downloads`. */
  async take({ ip }: FastifyRequest, { raw }: FastifyReply): Promise<void> {
    await this.count(ip);
    const before = this.open.get(ip) ?? 0;
    if (this.openInAll >= MAX_OPEN || before >= MAX_OPEN_OF_ADDRESS) throw problem('too_many_downloads');
    if (raw.closed) return;
    this.openInAll += 1;
    this.open.set(ip, before + 1);
    raw.once('close', () => this.release(ip));
  }

  private async count(ip: string): Promise<void> {
    const max = this.settings.FILE_LINK_REQUESTS_PER_MINUTE;
    if (max === 0) return;
    const { isAllowed, resetMs } = await this.windows.take(`links ${ip}`, { max, windowMs: MINUTE_MS });
    if (isAllowed) return;
    throw problem('rate_limited', {
      detail: `Without a key, one address may send ${max} requests a minute.`,
      headers: { 'Retry-After': String(Math.max(1, Math.ceil(resetMs / 1_000))) },
    });
  }

  private release(ip: string): void {
    this.openInAll -= 1;
    const left = (this.open.get(ip) ?? 1) - 1;
    if (left === 0) this.open.delete(ip);
    else this.open.set(ip, left);
  }
}
