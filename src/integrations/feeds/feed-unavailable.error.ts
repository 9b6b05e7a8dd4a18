import {
  AddressRefusedError,
  CompressionRatioError,
  OutboundConnectionError,
  OutboundError,
  OutboundRequestError,
  OutboundTimeoutError,
  RedirectRefusedError,
  ResponseTooLargeError,
  UpstreamStatusError,
} from '../../platform/http-client/outbound-error';

/** Why a source gave no feed, or not the whole of it. */
export type UnavailableCode =
  | 'address_refused'
  | 'compression_bomb'
  | 'connection_failed'
  | 'gone'
  | 'not_found'
  | 'paging_refused'
  | 'rate_limited'
  | 'redirect_refused'
  | 'request_invalid'
  | 'request_refused'
  | 'server_error'
  | 'timeout'
  | 'too_large'
  | 'unauthorized'
  | 'unreadable';

/** The source gave no feed, or stopped in the middle of one: the items before are good. Its message quotes no answer. */
export class FeedUnavailableError extends Error {
  override readonly name = 'FeedUnavailableError';

  constructor(
    readonly code: UnavailableCode,
    message: string,
    /** Whether the same request may succeed later. */
    readonly isRetryable: boolean,
    /** How long the source asks to wait, a day at most. */
    readonly retryAfterMs?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What an error of the HTTP client means for a feed; any other error stays what it is. */
export function unavailableOf(error: unknown): unknown {
  if (!(error instanceof OutboundError)) return error;
  const { message, isRetryable } = error;
  const options = { cause: error };
  if (error instanceof UpstreamStatusError) {
    const { status, retryAfterMs } = error;
    // Proxies answer for a server that is away with numbers of their own, such as 522.
    const mayPass = isRetryable || (status >= 500 && status !== 501 && status !== 505);
    return new FeedUnavailableError(codeOfStatus(status), message, mayPass, retryAfterMs, options);
  }
  const [, code] = codes.find(([kind]) => error instanceof kind) ?? [OutboundError, 'unreadable' as const];
  return new FeedUnavailableError(code, message, isRetryable, undefined, options);
}

const codes: readonly (readonly [new (...args: never[]) => OutboundError, UnavailableCode])[] = [
  [AddressRefusedError, 'address_refused'],
  [CompressionRatioError, 'compression_bomb'],
  [OutboundConnectionError, 'connection_failed'],
  [OutboundRequestError, 'request_invalid'],
  [OutboundTimeoutError, 'timeout'],
  [RedirectRefusedError, 'redirect_refused'],
  [ResponseTooLargeError, 'too_large'],
];

const statuses: Readonly<Record<number, UnavailableCode>> = {
  401: 'unauthorized',
  403: 'unauthorized',
  404: 'not_found',
  408: 'timeout',
  410: 'gone',
  429: 'rate_limited',
};

function codeOfStatus(status: number): UnavailableCode {
  return status >= 500 ? 'server_error' : (statuses[status] ?? 'request_refused');
}
