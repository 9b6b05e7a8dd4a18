import type { IncomingHttpHeaders } from 'node:http';

const DAY_MS = 86_400_000;

/**
 * How long an answer asks to wait, a day at most: its `Retry-After`, else its `X-RateLimit-Reset` in epoch seconds,
 * which is compared with the answer's own `Date`, because the other clock may be wrong. Undefined where neither says.
 */
export function askedWaitMs(headers: IncomingHttpHeaders, now = Date.now()): number | undefined {
  const asked = retryAfterMs(headers['retry-after'], now);
  if (asked !== undefined) return asked;
  const reset = headers['x-ratelimit-reset'];
  if (typeof reset !== 'string' || !/^\d{10}$/.test(reset)) return undefined;
  const sentAt = Date.parse(headers.date ?? '');
  const waitMs = Number(reset) * 1_000 - (Number.isNaN(sentAt) ? now : sentAt);
  return Math.min(Math.max(waitMs, 0), DAY_MS);
}

/** How long a `Retry-After` asks to wait, a day at most; undefined when it cannot be read. */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined || header.length > 64) return undefined;
  const waitMs = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), DAY_MS);
}
