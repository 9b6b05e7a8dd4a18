import type { TradeStatistics } from './trade-statistics';

export interface WrittenReview {
  /** Markdown. */
  readonly text: string;
  /** `embedded`, or `language-model`. */
  readonly provider: string;
  /** The template or the model that has written it. */
  readonly model: string;
}

/** For whom a review is written; its tokens are charged there. */
export interface ReviewCall {
  readonly tenant: string;
  readonly jobId: string;
  readonly signal: AbortSignal;
}

/** Puts the numbers of a review into words. It gets nothing but the numbers, and may fail. */
export abstract class ReviewWriter {
  abstract write(statistics: TradeStatistics, call: ReviewCall): Promise<WrittenReview>;
}
