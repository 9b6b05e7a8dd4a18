/** An exchange with the outside world that failed; its message names the origin, never a path, a query or a body. */
export abstract class OutboundError extends Error {
  /** Whether the same request may succeed later. */
  readonly isRetryable: boolean;

  constructor(message: string, { isRetryable = false } = {}) {
    super(message);
    this.name = new.target.name;
    this.isRetryable = isRetryable;
  }
}

/** The request itself is not allowed: its address, its port, its headers. Nothing was sent. */
export class OutboundRequestError extends OutboundError {}

/** The host is, or resolves to, an address that the server may not reach. Nothing was sent to it. */
export class AddressRefusedError extends OutboundError {
  constructor(host: string) {
    super(
      `${host} leads to an address that this server may not reach: ` +
        'only public ones are dialled, others when OUTBOUND_ALLOW_ADDRESSES names them.',
    );
  }
}

/** A redirect that is not followed: one too many, to a refused target, or of a request with a body. */
export class RedirectRefusedError extends OutboundError {}

/** No connection, or no complete answer, within the time of the request. */
export class OutboundTimeoutError extends OutboundError {
  constructor(
    origin: string,
    readonly phase: 'connect' | 'total',
    readonly timeoutMs: number,
  ) {
    const what = phase === 'connect' ? 'accept a connection' : 'answer completely';
    super(`${origin} did not ${what} within ${timeoutMs} ms.`, { isRetryable: true });
  }
}

/** The connection could not be made or broke; `code` is the word of the operating system or of TLS. */
export class OutboundConnectionError extends OutboundError {
  constructor(
    origin: string,
    readonly code: string,
    isRetryable: boolean,
  ) {
    super(`The connection to ${origin} failed (${code}).`, { isRetryable });
  }
}

/** An answer whose status is an error; its body was not read. */
export class UpstreamStatusError extends OutboundError {
  constructor(
    origin: string,
    readonly status: number,
    /** How long upstream asks to wait, a day at most. */
    readonly retryAfterMs?: number,
  ) {
    super(`${origin} answered ${status}.`, { isRetryable: passing.has(status) });
  }
}

/** The body is larger than the request allows, counted after decompression. */
export class ResponseTooLargeError extends OutboundError {
  constructor(
    origin: string,
    readonly maxBytes: number,
  ) {
    super(`The answer of ${origin} is larger than ${maxBytes} bytes.`);
  }
}

/** The body is so much larger than what was sent for it that it can only be meant to do harm. */
export class CompressionRatioError extends OutboundError {
  constructor(
    origin: string,
    readonly maxRatio: number,
  ) {
    super(`The answer of ${origin} decompresses to more than ${maxRatio} times its size.`);
  }
}

/** The answer declares a content type that the request does not accept, or none. */
export class ContentTypeError extends OutboundError {
  constructor(origin: string, accepted: readonly string[]) {
    super(`The answer of ${origin} is not of a type that is accepted here (${accepted.join(', ')}).`);
  }
}

/** What arrived is no HTTP, no JSON, or not encoded as it says. */
export class ResponseUnreadableError extends OutboundError {
  constructor(origin: string, what: string) {
    super(`The answer of ${origin} cannot be read: ${what}.`);
  }
}

const passing: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
