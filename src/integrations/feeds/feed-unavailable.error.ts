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
