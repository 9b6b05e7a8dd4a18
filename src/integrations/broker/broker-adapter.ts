import type { BrokerActivity, BrokerPosition } from './broker-activity';

/** What an account is reached with; the credentials are open and belong nowhere but into the request. */
export interface BrokerAccount {
  readonly tenant: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly credentials: Readonly<Record<string, string>>;
}

/** Where a page begins. */
export interface ActivityPosition {
  /** Only what happened after this moment, by the broker's clock; null for everything. */
  readonly after: string | null;
  /** What the page before ended with; absent for the first page. */
  readonly pageToken?: string;
}

export interface ActivityPage {
  /** Oldest first. */
  readonly activities: readonly BrokerActivity[];
  /** Where the next page begins; absent for the last page, and where a source is always read as a whole. */
  readonly nextPageToken?: string;
  /** What the source says the time is, in epoch milliseconds. */
  readonly clock?: number;
  /** Records that cannot be read, of which nothing is stored. */
  readonly unreadable: number;
}

/** A field that an adapter needs to reach an account. */
export interface AdapterField {
  readonly name: string;
  readonly isRequired: boolean;
  /** What is wrong with a value, as the end of a sentence; undefined when it can be used. */
  fault(value: string): string | undefined;
}

/** One kind of source of activities. It keeps nothing: every call gets the account and the place to go on from. */
export interface BrokerAdapter {
  readonly name: string;
  readonly settings: readonly AdapterField[];
  readonly credentials: readonly AdapterField[];
  /** What is wrong with settings that are each right, as the end of a sentence. */
  faults?(settings: Readonly<Record<string, string>>): string | undefined;
  /**
   * The pages from a place on; the next one is fetched once the one before is dealt with.
   * Throws {@link BrokerRefusedError}, {@link BrokerThrottledError} or whatever may pass.
   */
  pages(account: BrokerAccount, from: ActivityPosition, signal: AbortSignal): AsyncIterable<ActivityPage>;
  /** Undefined where the source knows no positions. */
  positions(account: BrokerAccount, signal: AbortSignal): Promise<readonly BrokerPosition[] | undefined>;
}

/** The broker refuses the credentials or the request itself: the same request will never succeed. */
export class BrokerRefusedError extends Error {
  constructor(
    message: string,
    /** Whether it is the credentials that are wrong. */
    readonly isAboutCredentials: boolean,
  ) {
    super(message);
    this.name = 'BrokerRefusedError';
  }
}

/** The broker wants us to wait. */
export class BrokerThrottledError extends Error {
  constructor(
    message: string,
    readonly waitMs: number,
  ) {
    super(message);
    this.name = 'BrokerThrottledError';
  }
}

/** An answer that is not what the broker documents; it may be right the next time. */
export class BrokerAnswerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BrokerAnswerError';
  }
}
