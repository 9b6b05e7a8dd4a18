import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Audited } from '../../platform/audit/audited.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { ofJobParam } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { answerHeadOfEvents, assertTakesEvents } from '../../platform/http/takes-events';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { tagMatches } from '../../platform/http/entity-tag';
import { EventsQueryDto } from '../validations/validation-query.dto';
import { FlowEvents } from './flow-events.service';
import { CancelFlowDto, FlowDto } from './flow.dto';
import { FlowsApi } from './flows-api.service';

const POLL_SECONDS = '2';
@ApiTags('flows')
@Controller('api/flows')
export class FlowsController {
  constructor(
    private readonly flows: FlowsApi,
    private readonly events: FlowEvents,
  ) {}

  /** A flow by its id, or by the id of the request it works for: every job with its state, attempts and error. */
  @Get(':id')
  @Requires('jobs:read', ofJobParam())
  @ApiHeader({ name: 'If-None-Match', required: false })
  @ApiOkResponse({ type: FlowDto })
  @ApiResponse({ status: 304, description: 'Nothing has changed since that entity tag.' })
  @ApiProblems('flow_not_found')
  async read(
    @Param('id') id: string,
    @CurrentPrincipal() principal: Principal,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FlowDto | undefined> {
    const { body, tag } = await this.flows.read(id, principal);
    reply.header('etag', tag).header('cache-control', 'private, no-cache');
    if (!body.done) reply.header('retry-after', POLL_SECONDS);
    if (ifNoneMatch === undefined || !tagMatches(ifNoneMatch, tag)) return body;
    reply.status(304);
    return undefined;
  }

  /** The flow as it goes on: `snapshot`, then `progress` and `state`, and `end`. */
  @Get(':id/events')
  @Requires('jobs:read', ofJobParam())
  @ApiProduces('text/event-stream')
  @ApiHeader({ name: 'Last-Event-ID', required: false })
  @ApiOkResponse({ schema: { type: 'string' } })
  @ApiResponse({ status: 204, description: 'Everything was told already.' })
  @ApiProblems('not_acceptable')
  @ApiProblems('flow_not_found', 'too_many_streams')
  async follow(
    @Param('id') id: string,
    @CurrentPrincipal() principal: Principal,
    @Query() query: EventsQueryDto,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Headers('accept') accept: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    assertTakesEvents(accept);
    if (request.method === 'HEAD') {
      await this.flows.require(id, principal.tenant);
      return answerHeadOfEvents(reply);
    }
    await this.events.open(id, principal, lastEventId ?? query.lastEventId, reply);
  }

  /** Cancels every job of the flow that has not ended; running handlers are told to stop. */
  @Audited('flows.cancel')
  @Post(':id/cancel')
  @Requires('jobs:manage', ofJobParam())
  @HttpCode(202)
  @ApiResponse({ status: 202, type: FlowDto, description: 'Cancelled; running handlers end within seconds.' })
  @ApiProblems('flow_not_found', 'flow_ended')
  cancel(
    @Param('id') id: string,
    @Body() { reason = 'no reason given' }: CancelFlowDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<FlowDto> {
    return this.flows.cancel(id, principal, reason);
  }
}
