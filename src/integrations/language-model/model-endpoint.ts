import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { HttpClient, type OutboundResponse } from '../../platform/http-client/http-client.service';
import {
  OutboundConnectionError,
  OutboundError,
  OutboundTimeoutError,
  UpstreamStatusError,
} from '../../platform/http-client/outbound-error';
import type { OutboundRequest } from '../../platform/http-client/outbound-request';
import { ModelAnswerInvalidError, ModelRequestError, ModelUnavailableError } from './language-model-error';

export interface EndpointAddress {
  readonly baseUrl: string;
  readonly key?: string;
}

/** When a call has to be over, and what ends it before. */
export interface Patience {
  /** By `performance.now()`. */
  readonly until: number;
  readonly signal: AbortSignal;
}

// A long answer is some ten thousand characters; vectors of a batch are a few megabytes of digits.
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const MAX_RETRIES = 2;
const FIRST_WAIT_MS = 500;
// Less than this is left for an answer: nobody answers that fast, and the endpoint may charge for it.
const LEAST_TIME_MS = 250;
const defaultPorts: Record<string, number> = { 'http:': 80, 'https:': 443 };

/**
 * One OpenAI-compatible endpoint. Its address is the operator's, so that it may lie on loopback or in a private
 * network; nothing leads elsewhere, because redirects are not followed.
 */
export class ModelEndpoint {
  private readonly http: HttpClient;
  private readonly base: URL;

  constructor(private readonly address: EndpointAddress) {
    this.base = new URL(address.baseUrl);
    const { protocol, port } = this.base;
    this.http = new HttpClient({
      allowAddresses: ['0.0.0.0/0', '::/0'],
      allowPorts: [port === '' ? (defaultPorts[protocol] ?? 443) : Number(port)],
    });
  }

  /** The answer as JSON. Rejects with a {@link LanguageModelError} or the reason of the signal. */
  async json(path: string, body: string, patience: Patience): Promise<unknown> {
    const answer = await this.send(patience, (timeoutMs) =>
      this.http.json(this.request(path, body, { timeoutMs, ...patience })),
    );
    return answer.body;
  }

  /** The answer as it comes; the caller destroys what it does not read. */
  async stream(path: string, body: string, patience: Patience): Promise<Readable> {
    const answer = await this.send(patience, (timeoutMs) =>
      this.http.stream({
        ...this.request(path, body, { timeoutMs, ...patience }),
        contentTypes: ['text/event-stream'],
      }),
    );
    return answer.body;
  }

  /** What an error of the exchange, or of the reading of its body, means. */
  errorOf(error: unknown): unknown {
    const { origin } = this.base;
    if (!(error instanceof OutboundError)) return error;
    if (error instanceof UpstreamStatusError && !error.isRetryable)
      return new ModelRequestError(origin, error.status);
    if (error instanceof UpstreamStatusError) {
      const { message, retryAfterMs } = error;
      return new ModelUnavailableError(message, {
        isUnanswered: true,
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      });
    }
    if (error instanceof OutboundTimeoutError) {
      return new ModelUnavailableError(error.message, { isUnanswered: error.phase === 'connect' });
    }
    if (error instanceof OutboundConnectionError && error.isRetryable) {
      return new ModelUnavailableError(error.message, { isUnanswered: error.code === 'ECONNREFUSED' });
    }
    return new ModelAnswerInvalidError(error.message.replace(/\.$/, ''), { isRetryable: false });
  }

  /** Tries again after 429 and 5xx as long as there is time; a longer wait is for the job, not for the worker. */
  private async send<Body>(
    { until, signal }: Patience,
    exchange: (timeoutMs: number) => Promise<OutboundResponse<Body>>,
  ): Promise<OutboundResponse<Body>> {
    for (let retries = 0; ; retries += 1) {
      signal.throwIfAborted();
      const leftMs = Math.floor(until - performance.now());
      if (leftMs < LEAST_TIME_MS)
        throw new ModelUnavailableError('no time is left of LLM_TIMEOUT_MS.', { isUnanswered: true });
      try {
        return await exchange(leftMs);
      } catch (error) {
        const isPassing = error instanceof UpstreamStatusError && error.isRetryable;
        const waitMs = isPassing ? (error.retryAfterMs ?? jittered(FIRST_WAIT_MS * 2 ** retries)) : 0;
        const hasTime = until - performance.now() - waitMs >= LEAST_TIME_MS;
        if (!isPassing || !hasTime || retries === MAX_RETRIES) throw this.errorOf(error);
        await wait(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    }
  }

  private request(
    path: string,
    body: string,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
  ): OutboundRequest {
    const { key } = this.address;
    return {
      url: `${this.base.href.replace(/\/$/, '')}${path}`,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      },
      body,
      timeoutMs,
      signal,
      maxBytes: MAX_ANSWER_BYTES,
      maxRedirects: 0,
    };
  }

  close(): void {
    this.http.onApplicationShutdown();
  }
}

/** Whether nothing can have been charged for an exchange that failed so. */
export function isUncharged(error: unknown): boolean {
  return error instanceof ModelRequestError || (error instanceof ModelUnavailableError && error.isUnanswered);
}

/** Half to all of it, so that many workers do not come back at once. */
function jittered(ms: number): number {
  return ms / 2 + (ms / 2) * Math.random();
}
