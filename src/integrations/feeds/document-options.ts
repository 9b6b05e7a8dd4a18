import type { FeedLimits } from './feed-limits';

/** What the reader of one document is told. */
export interface DocumentOptions {
  readonly limits: FeedLimits;
  /** Where the document came from. */
  readonly url: string | undefined;
  readonly encoding: string;
  /** Positions begin after this one. */
  readonly itemsBefore: number;
}
