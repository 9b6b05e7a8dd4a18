import { Injectable, Logger } from '@nestjs/common';
import { LanguageModelError } from '../../../integrations/language-model/language-model-error';
import { ActivityStore, type ActivityPosition, type StoredActivity } from '../activity.store';
import { ReviewStore } from '../review.store';
import type { CoachPayload } from './ai.payload';
import { FifoBook } from './fifo-book';
import { ModelReviewWriter } from './model-review-writer.service';
import type { ReviewCall, WrittenReview } from './review-writer';
import { TemplateReviewWriter } from './template-review-writer.service';
import { shownPositions, StatisticsBuilder, type TradeStatistics } from './trade-statistics';

/** The job on whose behalf a review is written. */
export interface CoachJob {
  readonly id: string;
  readonly tenant: string;
  readonly isLastAttempt: boolean;
  report(progress: object): Promise<void>;
}

export interface CoachResult {
  readonly reviewId: string;
  readonly executions: number;
  readonly roundTrips: number;
  readonly provider: string;
  readonly model: string;
  readonly links: { readonly self: string };
}

const PAGE_ROWS = 2_000;
const MAX_MOVEMENTS = 500_000;

/** Reviews how a user has traded: works out the numbers, has them put into words, and keeps both. */
@Injectable()
export class CoachService {
  private readonly logger = new Logger('ai');

  constructor(
    private readonly activities: ActivityStore,
    private readonly reviews: ReviewStore,
    private readonly template: TemplateReviewWriter,
    private readonly model: ModelReviewWriter,
  ) {}

  async review(payload: CoachPayload, job: CoachJob, signal: AbortSignal): Promise<CoachResult> {
    const { id: jobId, tenant } = job;
    const known = await this.reviews.findByJob(jobId);
    if (known !== undefined) return resultOf(known.id, known.statistics as TradeStatistics, known);
    await job.report({ stage: 'statistics' });
    const statistics = await this.statistics(payload, tenant, signal);
    await job.report({ stage: 'writing' });
    const written = await this.write(statistics, { tenant, jobId, signal }, job.isLastAttempt);
    signal.throwIfAborted();
    const { userId } = payload;
    const review = await this.reviews.put({ tenant, userId, jobId, statistics, ...written });
    return resultOf(review.id, review.statistics as TradeStatistics, review);
  }

  /** Of what was closed within the time; what was bought before it counts with what it cost. */
  async statistics(
    { userId, from, to }: CoachPayload,
    tenant: string,
    signal: AbortSignal,
  ): Promise<TradeStatistics> {
    const begin = from == null ? -Infinity : Date.parse(from);
    const until = to == null ? undefined : new Date(to);
    // Accounts do not close each other's positions.
    const books = new Map<string, FifoBook>();
    const builder = new StatisticsBuilder();
    const symbols = new Set<string>();
    let executions = 0;
    let read = 0;
    let after: ActivityPosition | undefined;
    for (let hasMore = true; hasMore && read < MAX_MOVEMENTS;) {
      signal.throwIfAborted();
      const page = await this.activities.movements(
        { tenant, userId },
        { limit: PAGE_ROWS, ...(after !== undefined && { after }), ...(until !== undefined && { until }) },
      );
      for (const activity of page) {
        const isWithin = activity.occurredAt.getTime() >= begin;
        const trip = takeInto(books, activity);
        if (!isWithin || activity.symbol === null) continue;
        if (activity.kind === 'trade') executions += 1;
        symbols.add(activity.symbol);
        if (trip !== undefined) builder.add(trip);
      }
      read += page.length;
      after = page.at(-1);
      hasMore = page.length === PAGE_ROWS;
    }
    const all = [...books.values()];
    return {
      from: from ?? null,
      to: to ?? null,
      executions,
      symbols: symbols.size,
      withoutCost: all.reduce((sum, { withoutCost }) => sum + withoutCost, 0),
      isCut: read >= MAX_MOVEMENTS,
      results: builder.results(),
      concentration: builder.concentration(),
      openPositions: shownPositions(all.flatMap((book) => book.openPositions())),
    };
  }

  /** A model that fails for good is replaced by the template, so that there is a review in any case. */
  private async write(
    statistics: TradeStatistics,
    call: ReviewCall,
    isLastAttempt: boolean,
  ): Promise<WrittenReview> {
    if (!this.model.isThere) return this.template.write(statistics);
    try {
      return await this.model.write(statistics, call);
    } catch (error) {
      if (!(error instanceof LanguageModelError) || (error.isRetryable && !isLastAttempt)) throw error;
      this.logger.warn({ msg: `A review is written without the model: ${error.message}`, jobId: call.jobId });
      return this.template.write(statistics);
    }
  }
}

function takeInto(books: Map<string, FifoBook>, activity: StoredActivity) {
  const { source, symbol, quantity } = activity;
  if (symbol === null || quantity === null) return undefined;
  const book = books.get(source) ?? new FifoBook();
  books.set(source, book);
  return book.take({ ...activity, symbol, quantity });
}

function resultOf(
  id: string,
  { executions, results }: TradeStatistics,
  { provider, model }: Pick<WrittenReview, 'provider' | 'model'>,
): CoachResult {
  const roundTrips = results.reduce((sum, result) => sum + result.roundTrips, 0);
  return {
    reviewId: id,
    executions,
    roundTrips,
    provider,
    model,
    links: { self: `/api/brokerage/reviews/${id}` },
  };
}
