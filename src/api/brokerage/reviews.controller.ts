import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { NotAudited } from '../../platform/audit/audited.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { always } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { Database } from '../../platform/database/database.service';
import { encodeCursor, nextLink } from '../../platform/http/cursor';
import { Idempotent } from '../../platform/idempotency/idempotent.decorator';
import { CallerLimits } from '../../platform/limits/caller-limits.service';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { AiProducer } from '../../workloads/brokerage/ai/ai.producer';
import type { CoachPayload } from '../../workloads/brokerage/ai/ai.payload';
import { ReviewStore, type TradeReview } from '../../workloads/brokerage/review.store';
import { rowPositionIn } from './connection-view';
import {
  CreateReviewDto,
  RequestedReviewDto,
  ReviewDto,
  ReviewListDto,
  ReviewListQueryDto,
  type ReviewEntryDto,
} from './review.dto';

const REVIEWS_PATH = '/api/brokerage/reviews';
const POLL_SECONDS = '2';
export const ofAi = always('ai');

@ApiTags('brokerage')
@Controller(REVIEWS_PATH.slice(1))
export class ReviewsController {
  constructor(
    private readonly reviews: ReviewStore,
    private readonly producer: AiProducer,
    private readonly database: Database,
    private readonly limits: CallerLimits,
  ) {}

  /** Reviews how a user has traded; the result of the job names the review. */
  @NotAudited('the job itself says who asked for it')
  @Post()
  @Requires('jobs:write', ofAi)
  @HttpCode(202)
  @Idempotent()
  @ApiResponse({ status: 202, type: RequestedReviewDto })
  @ApiProblems('queue_full', 'storage_degraded', 'enqueue_outcome_unknown', 'rate_limited')
  async create(
    @Body() body: CreateReviewDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RequestedReviewDto> {
    await this.limits.jobQuota(principal, reply)(1);
    const payload = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
    const { tenant, id: caller } = principal;
    const { id: jobId = '' } = await this.producer.addCoach(payload as unknown as CoachPayload, {
      tenant,
      caller,
    });
    const job = `/api/queue/jobs/${jobId}`;
    reply.header('location', job).header('retry-after', POLL_SECONDS);
    return { jobId, links: { job } };
  }

  /** The reviews of a user, newest first, without what they say. */
  @Get()
  @Requires('jobs:read', ofAi)
  @ApiOkResponse({ type: ReviewListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: ReviewListQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReviewListDto> {
    this.database.assertReady();
    const { limit, cursor, userId } = query;
    const found = await this.reviews.list({
      tenant,
      userId,
      limit: limit + 1,
      ...(cursor !== undefined && { before: rowPositionIn(cursor) }),
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next =
      found.length > limit && last !== undefined ? encodeCursor([last.createdAt.getTime(), last.id]) : null;
    if (next !== null) reply.header('link', nextLink(REVIEWS_PATH, query, next));
    return { items: items.map(entryView), next_cursor: next };
  }

  /** One review: its numbers, and the words about them. */
  @Get(':id')
  @Requires('payloads:read', ofAi)
  @ApiOkResponse({ type: ReviewDto })
  @ApiProblems('review_not_found')
  async read(@Param('id') id: string, @CurrentPrincipal() { tenant }: Principal): Promise<ReviewDto> {
    this.database.assertReady();
    const found = await this.reviews.find(id, tenant);
    if (found === undefined) throw problem('review_not_found');
    const { statistics, text } = found;
    return { ...entryView(found), statistics, text };
  }
}

function entryView({ id, userId, provider, model, jobId, createdAt }: TradeReview): ReviewEntryDto {
  return {
    id,
    userId,
    provider,
    model,
    jobId,
    createdAt: createdAt.toISOString(),
    links: { self: `${REVIEWS_PATH}/${id}`, job: `/api/queue/jobs/${jobId}` },
  };
}
