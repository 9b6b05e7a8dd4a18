import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Audited, NotAudited } from '../../platform/audit/audited.decorator';
import { Masked } from '../../platform/auth/masked.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { always } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { Idempotent } from '../../platform/idempotency/idempotent.decorator';
import { CallerLimits } from '../../platform/limits/caller-limits.service';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { isUnfinished } from '../../workloads/agents/charter-requests.store';
import { tagMatches } from '../../platform/http/entity-tag';
import { charterPath, charterTag, hiddenOfRequest, hiddenOfRequests } from './charter-request-view';
import {
  CancelCharterRequestDto,
  CharterAnswersDto,
  CharterFiguresDto,
  CharterFiguresQueryDto,
  CharterRequestDto,
  CharterRequestListDto,
  CharterRequestListQueryDto,
  NewCharterRequestDto,
} from './charter-request.dto';
import { CharterRequestsApi } from './charter-requests-api.service';

const ofRequests = always('orchestrator');
const POLL_SECONDS = '2';
const DAY_HOURS = 24;

@ApiTags('charter requests')
@Controller('api/charter-requests')
export class CharterRequestsController {
  constructor(
    private readonly requests: CharterRequestsApi,
    private readonly limits: CallerLimits,
  ) {}

  /** Takes a request in plain words: it is read, completed by questions, searched, ranked and answered by mail. */
  @NotAudited('the request itself says who has asked')
  @Post()
  @Requires('jobs:write', ofRequests)
  @HttpCode(202)
  @Idempotent()
  @Masked(...hiddenOfRequest)
  @ApiResponse({ status: 202, type: CharterRequestDto, description: 'Kept, and on its way to be read.' })
  async create(
    @Body() wish: NewCharterRequestDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CharterRequestDto> {
    const row = await this.requests.create(wish, principal, this.limits.jobQuota(principal, reply));
    reply.header('location', charterPath(row.id)).header('retry-after', POLL_SECONDS);
    return this.requests.view(row);
  }

  /** The requests, newest first. */
  @Get()
  @Requires('jobs:read', ofRequests)
  @Masked(...hiddenOfRequests)
  @ApiOkResponse({ type: CharterRequestListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: CharterRequestListQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CharterRequestListDto> {
    const { page, link } = await this.requests.list(query, tenant);
    if (link !== undefined) reply.header('link', link);
    return page;
  }

  /** How many there are in which state, and how long it took from a complete request to its proposal. */
  @Get('stats')
  @Requires('jobs:read', ofRequests)
  @ApiOkResponse({ type: CharterFiguresDto })
  @ApiProblems('query_invalid')
  figures(
    @Query() { hours }: CharterFiguresQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
  ): Promise<CharterFiguresDto> {
    return this.requests.figures(hours == null ? DAY_HOURS : Number(hours), tenant);
  }

  /** One request: what was understood, what is asked, what was offered. */
  @Get(':id')
  @Requires('jobs:read', ofRequests)
  @Masked(...hiddenOfRequest)
  @ApiHeader({ name: 'If-None-Match', required: false })
  @ApiOkResponse({ type: CharterRequestDto })
  @ApiResponse({ status: 304, description: 'Nothing has changed since that entity tag.' })
  @ApiProblems('charter_request_not_found')
  async read(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CharterRequestDto | undefined> {
    const row = await this.requests.require(id, tenant);
    const tag = charterTag(row);
    reply.header('etag', tag).header('cache-control', 'private, no-cache');
    if (isUnfinished(row)) reply.header('retry-after', POLL_SECONDS);
    if (ifNoneMatch === undefined || !tagMatches(ifNoneMatch, tag)) return this.requests.view(row);
    reply.status(304);
    return undefined;
  }

  /** Answers what is asked, in plain words; the request goes on as soon as nothing is missing any more. */
  @NotAudited('the answers stand in the request')
  @Post(':id/answers')
  @Requires('jobs:write', ofRequests)
  @HttpCode(202)
  @Idempotent()
  @Masked(...hiddenOfRequest)
  @ApiResponse({ status: 202, type: CharterRequestDto, description: 'Taken, and on their way to be read.' })
  @ApiProblems('charter_request_not_found', 'charter_request_asks_nothing')
  async answer(
    @Param('id') id: string,
    @Body() { answers }: CharterAnswersDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CharterRequestDto> {
    const quota = this.limits.jobQuota(principal, reply);
    const row = await this.requests.answer(id, principal.tenant, answers, quota);
    reply.header('location', charterPath(row.id)).header('retry-after', POLL_SECONDS);
    return this.requests.view(row);
  }

  /** Ends a request before its proposal is on its way. */
  @Audited('charter-requests.cancel')
  @Post(':id/cancel')
  @Requires('jobs:manage', ofRequests)
  @HttpCode(202)
  @Masked(...hiddenOfRequest)
  @ApiResponse({
    status: 202,
    type: CharterRequestDto,
    description: 'Cancelled; running jobs end within seconds.',
  })
  @ApiProblems('charter_request_not_found', 'charter_request_ended')
  async cancel(
    @Param('id') id: string,
    @Body() { reason = 'no reason given' }: CancelCharterRequestDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<CharterRequestDto> {
    return this.requests.view(await this.requests.cancel(id, principal, reason));
  }
}
