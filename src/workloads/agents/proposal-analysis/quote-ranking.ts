import type { Quote } from '../quote';

/** A quote of the search, or the bare one of document 001. */
export type RankableQuote =
  Quote | { readonly id: string; readonly operatorName: string; readonly price: number };

export const rankingCriteria = ['price', 'time', 'comfort', 'operator', 'budget', 'stops'] as const;
export type RankingCriterion = (typeof rankingCriteria)[number];

/** Weights of any size from 0 on; only their proportions count. */
export type RankingWeights = Readonly<Partial<Record<RankingCriterion, number>>>;

export interface CriterionScore {
  readonly criterion: RankingCriterion;
  /** 0 to 100. */
  readonly score: number;
  /** The share of this criterion in the whole, 0 to 1; the shares of a quote sum to 1. */
  readonly share: number;
  /** score × share. */
  readonly points: number;
  readonly explanation: string;
}

export interface RankedQuote {
  readonly rank: number;
  readonly id: string;
  readonly operatorName: string;
  readonly price: number;
  /** 0 to 100, the sum of the points. */
  readonly score: number;
  readonly criteria: readonly CriterionScore[];
  /** One sentence. */
  readonly summary: string;
  /** What could not be judged, and why. */
  readonly notes: readonly string[];
}

export interface RankingPreferences {
  readonly weights?: RankingWeights;
  /** Whole US dollars. */
  readonly budget?: number;
}
