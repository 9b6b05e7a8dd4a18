import { Injectable } from '@nestjs/common';
import type { Vapid } from '../../config/push-settings';
import { HttpClient } from '../../platform/http-client/http-client.service';
import { OutboundError, UpstreamStatusError } from '../../platform/http-client/outbound-error';
import { PushPutOffError, PushRefusedError, type PushOutcome } from './push-outcome';

/** Where a browser takes pushes, as its `PushSubscription` says. */
export interface PushTarget {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

export interface PushWish {
  readonly text: string;
  /** How long the service keeps it for a browser that is away. */
  readonly ttlSeconds: number;
  readonly urgency: 'low' | 'normal' | 'high';
  /** What has the same one takes the place of what the browser has not got yet; at most 32 of base64url. */
  readonly topic: string;
  readonly signal: AbortSignal;
}

// A service has to take 4096 bytes; the header of RFC 8188 takes 86 of them, its delimiter 1 and the tag 16.
export const MAX_PUSH_BYTES = 4_096 - 86 - 1 - 16;

const TIMEOUT_MS = 10_000;
const gone = new Set([404, 410]);
const passing = new Set([408, 425, 429]);

/** Encrypts a text for one browser (RFC 8291), says who sends it (RFC 8292), and gives it to the push service. */
@Injectable()
export class PushSender {
  constructor(private readonly client: HttpClient) {}

  /** Throws {@link PushRefusedError}, {@link PushPutOffError}, or the reason of the signal. */
  async send(target: PushTarget, wish: PushWish, vapid: Vapid): Promise<PushOutcome> {
    const { headers, body } = await requestOf(target, wish, vapid);
    const { endpoint: url } = target;
    try {
      const answer = await this.client.stream({
        url,
        method: 'POST',
        headers,
        body,
        signal: wish.signal,
        timeoutMs: TIMEOUT_MS,
        // A 303 would be followed by a GET, whose answer says nothing about the push.
        maxRedirects: 0,
        maxBytes: Number.MAX_SAFE_INTEGER,
      });
      // What it says beside the status is of no interest.
      answer.body.on('error', () => undefined).destroy();
      return { outcome: 'sent', status: answer.status };
    } catch (error) {
      if (error instanceof UpstreamStatusError) return judged(error);
      if (!(error instanceof OutboundError)) throw error;
      throw error.isRetryable ? new PushPutOffError(error.message) : new PushRefusedError(error.message);
    }
  }
}

function judged({ status, message, retryAfterMs }: UpstreamStatusError): PushOutcome {
  if (gone.has(status)) return { outcome: 'gone', status };
  if (status >= 500 || passing.has(status)) throw new PushPutOffError(message, retryAfterMs);
  throw new PushRefusedError(`${message} ${reasons[status] ?? 'The push service refuses the notification.'}`);
}

const wrongKeys = 'The subscription was made for other keys than VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY are.';
const reasons: Readonly<Record<number, string>> = {
  401: wrongKeys,
  403: wrongKeys,
  413: 'The notification is too large for the push service.',
};

async function requestOf(
  target: PushTarget,
  { text, ttlSeconds, urgency, topic }: PushWish,
  vapid: Vapid,
): Promise<{ headers: Record<string, string>; body: Buffer }> {
  const bytes = Buffer.byteLength(text);
  // RFC 8291 has one record of that size; the library would make two, which no browser reads.
  if (bytes === 0 || bytes > MAX_PUSH_BYTES) {
    throw new PushRefusedError(`A push takes 1 to ${MAX_PUSH_BYTES} bytes, and this one has ${bytes}.`);
  }
  // An optional channel: who does not use it does not load it. Node sees no names in it, only the whole.
  const { generateRequestDetails } = (await import('web-push')).default;
  try {
    const { headers, body } = generateRequestDetails({ ...target, keys: { ...target.keys } }, text, {
      vapidDetails: vapid,
      TTL: ttlSeconds,
      contentEncoding: 'aes128gcm',
      urgency,
      topic,
    });
    // The client counts the bytes itself.
    const own = Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'content-length');
    return { headers: Object.fromEntries(own), body };
  } catch {
    // Its words may hold the keys or the endpoint.
    throw new PushRefusedError('The keys of the subscription cannot be used to encrypt anything.');
  }
}
