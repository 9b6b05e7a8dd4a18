import type { Quote } from '../quote';
import { judges, type Judgement } from './ranking-judges';

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

export const defaultWeights: Readonly<Record<RankingCriterion, number>> = {
  price: 35,
  time: 15,
  comfort: 15,
  operator: 15,
  budget: 10,
  stops: 10,
};

export const MAX_RANKED_QUOTES = 1_000;

const MAX_WEIGHT = 1_000_000;

/** The quotes or the weights cannot be ranked, however often it is tried. */
export class QuoteRankingError extends Error {
  override readonly name = 'QuoteRankingError';
}

/**
 * The quotes, best first, each score explained. All of them are judged by the same criteria: one that a quote says
 * nothing about is left out for every quote, so that a bare quote neither wins nor loses by its silence. Of equal
 * scores the lower price comes first, of equal prices the lower id.
 * Throws {@link QuoteRankingError}.
 */
export function rankQuotes(
  quotes: readonly RankableQuote[],
  { weights = {}, budget }: RankingPreferences = {},
): RankedQuote[] {
  checkQuotes(quotes);
  if (budget !== undefined && !(Number.isFinite(budget) && budget > 0)) {
    throw new QuoteRankingError('The budget must be above 0 US dollars.');
  }
  const wanted = rankingCriteria.filter((criterion) => weightOf(criterion, weights) > 0);
  if (wanted.length === 0) throw new QuoteRankingError('At least one weight must be above 0.');
  const judged = wanted.map(
    (criterion) => ({ criterion, judgement: judges[criterion](quotes, budget) }) as const,
  );
  const used = judged.filter(({ judgement }) => !isNote(judgement));
  const notes = judged.map(({ judgement }) => judgement).filter(isNote);
  // Without any of the criteria that were asked for, the price decides: every quote has one.
  const byPrice = { criterion: 'price' as const, judgement: judges.price(quotes, budget) };
  const effective = used.length > 0 ? used : [byPrice];
  const total = effective.reduce((sum, { criterion }) => sum + weightOrOne(criterion, weights), 0);
  return quotes
    .map((quote) => {
      const criteria = effective.map(({ criterion, judgement }) =>
        scoreOf(criterion, (judgement as Judgement)(quote), weightOrOne(criterion, weights) / total),
      );
      // In hundredths, so that the points that are shown sum to the score that is shown, and equal scores are equal.
      return {
        quote,
        criteria,
        hundredths: criteria.reduce((sum, { points }) => sum + Math.round(points * 100), 0),
      };
    })
    .sort((a, b) => b.hundredths - a.hundredths || a.quote.price - b.quote.price || byId(a.quote, b.quote))
    .map(({ quote, criteria, hundredths }, index) =>
      ranked(quote, criteria, { score: hundredths / 100, rank: index + 1, of: quotes.length, notes }),
    );
}

function ranked(
  { id, operatorName, price }: RankableQuote,
  criteria: readonly CriterionScore[],
  { score, rank, of, notes }: { score: number; rank: number; of: number; notes: readonly string[] },
): RankedQuote {
  const [best] = criteria.toSorted((a, b) => b.points - a.points);
  const weakest = criteria.toSorted((a, b) => lossOf(b) - lossOf(a))[0];
  const gain = best === undefined || best.points === 0 ? '' : `; most of it for ${best.criterion}`;
  const loss = weakest === undefined || lossOf(weakest) < 1 ? '' : `, most is lost on ${weakest.criterion}`;
  const summary = `${operatorName} is number ${rank} of ${of} with ${score} of 100 points${gain}${loss}.`;
  return { rank, id, operatorName, price, score, criteria, summary, notes };
}

function scoreOf(
  criterion: RankingCriterion,
  { score, explanation }: ReturnType<Judgement>,
  share: number,
): CriterionScore {
  return { criterion, score: rounded(score), share, points: rounded(score * share), explanation };
}

function lossOf({ score, share }: CriterionScore): number {
  return (100 - score) * share;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

function byId({ id: a }: RankableQuote, { id: b }: RankableQuote): number {
  return a < b ? -1 : 1;
}

function isNote(judgement: Judgement | string): judgement is string {
  return typeof judgement === 'string';
}

function weightOf(criterion: RankingCriterion, weights: RankingWeights): number {
  const weight = weights[criterion] ?? defaultWeights[criterion];
  if (Number.isFinite(weight) && weight >= 0 && weight <= MAX_WEIGHT) return weight;
  throw new QuoteRankingError(`The weight of ${criterion} must be a number from 0 to ${MAX_WEIGHT}.`);
}

function weightOrOne(criterion: RankingCriterion, weights: RankingWeights): number {
  return weightOf(criterion, weights) || 1;
}

function checkQuotes(quotes: readonly RankableQuote[]): void {
  if (quotes.length > MAX_RANKED_QUOTES) {
    throw new QuoteRankingError(
      `There are ${quotes.length} quotes; at most ${MAX_RANKED_QUOTES} are ranked.`,
    );
  }
  const ids = new Set<string>();
  for (const { id, price } of quotes) {
    if (!Number.isFinite(price) || price < 0)
      throw new QuoteRankingError(`The price of ${id} must be a number from 0 on.`);
    if (ids.has(id)) throw new QuoteRankingError(`The id ${id} stands twice among the quotes.`);
    ids.add(id);
  }
}
