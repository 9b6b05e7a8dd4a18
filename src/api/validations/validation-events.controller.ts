import { Controller, Get, Headers, Param, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentPrincipal, maySeePayloads, type Principal } from '../../platform/auth/principal';
import { always } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { answerHeadOfEvents, assertTakesEvents } from '../../platform/http/takes-events';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { RunEvents } from './run-events.service';
import { EventsQueryDto } from './validation-query.dto';
import { Validations } from './validations.service';

const QUEUE = 'validation';

@ApiTags('validations')
@Controller(['api/validations/:id/events', 'validations/:id/events'])
export class ValidationEventsController {
  constructor(
    private readonly events: RunEvents,
    private readonly validations: Validations,
  ) {}

  /** The run as it goes on: `snapshot`, then `progress`, `state` and `log`, and `end`. */
  @Get()
  @Requires('jobs:read', always(QUEUE))
  @ApiProduces('text/event-stream')
  @ApiHeader({ name: 'Last-Event-ID', required: false })
  @ApiOkResponse({ schema: { type: 'string' } })
  @ApiResponse({ status: 204, description: 'Everything was told already.' })
  @ApiProblems('not_acceptable')
  @ApiProblems('validation_not_found', 'too_many_streams')
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
      await this.validations.require(id, principal.tenant);
      return answerHeadOfEvents(reply);
    }
    const reader = {
      tenant: principal.tenant,
      id: principal.id,
      isMasked: !maySeePayloads(principal, QUEUE),
    };
    await this.events.open(id, reader, lastEventId ?? query.lastEventId, reply);
  }
}
