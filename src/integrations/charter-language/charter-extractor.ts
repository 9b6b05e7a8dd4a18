import type { CharterRequest, MissingField } from './charter-request';

/** What the exchanges with a model took, as its endpoint reports it or, where it reports nothing, as it was reserved. */
export interface ModelUsage {
  readonly model: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  /** In the currency of the prices in the settings; 0 without prices. */
  readonly cost: number;
  /** Exchanges, repairs and retries included. */
  readonly calls: number;
}

export interface ExtractionContext {
  readonly now: Date;
  /** IANA name of the zone in which "today" and "next Friday" are meant. */
  readonly timeZone: string;
  /** Whose budget of tokens is charged, beside the tenant's. */
  readonly jobId?: string;
  readonly tenant: string;
}

export interface Extraction {
  readonly request: CharterRequest;
  readonly missing: readonly MissingField[];
  /** `embedded`, or the name of the model that has read the message. */
  readonly provider: string;
  readonly usage: ModelUsage | null;
}

/** The longest message that is read, in characters. */
export const MAX_MESSAGE_CHARACTERS = 10_000;

/** The message is empty or longer than {@link MAX_MESSAGE_CHARACTERS}; another attempt cannot help. */
export class UnreadableMessageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnreadableMessageError';
  }
}

/** Reads a request for a charter in plain words. */
export abstract class CharterExtractor {
  /**
   * Rejects with {@link UnreadableMessageError}, with the reason of the signal, or with an error of the model that
   * says by `isRetryable` and `retryAfterMs` whether and when to try again.
   */
  abstract extract(message: string, context: ExtractionContext, signal: AbortSignal): Promise<Extraction>;
}
