/** What became of a push: the service has it, or there is nobody at its end any more. */
export interface PushOutcome {
  readonly outcome: 'sent' | 'gone';
  readonly status: number;
}

/** No further try can help; the message says why, and holds nothing of the endpoint but its origin. */
export class PushRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PushRefusedError';
  }
}

/** The push service wants it later, or nobody knows whether it has it: a second try has the same topic. */
export class PushPutOffError extends Error {
  constructor(
    message: string,
    /** How long the service asks to wait. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
    this.name = 'PushPutOffError';
  }
}
