import { Controller, Get, Headers, Param, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { feedQueueName } from '../../config/feed-queue-name';
import { CurrentPrincipal, maySeePayloads, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { answerHeadOfEvents, assertTakesEvents } from '../../platform/http/takes-events';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { ImportEvents } from './import-events.service';
import { ofFeeds } from './import-view';
import { ImportEventsQueryDto } from './import.dto';
import { Imports } from './imports.service';

@ApiTags('imports')
@Controller(['api/imports/:id/events', 'imports/:id/events'])
export class ImportEventsController {
  constructor(
    private readonly events: ImportEvents,
    private readonly imports: Imports,
  ) {}

  /** The import as it goes on: `snapshot`, then `progress` and `state`, and `end`. */
  @Get()
  @Requires('jobs:read', ofFeeds)
  @ApiProduces('text/event-stream')
  @ApiHeader({ name: 'Last-Event-ID', required: false })
  @ApiOkResponse({ schema: { type: 'string' } })
  @ApiResponse({ status: 204, description: 'Everything was told already.' })
  @ApiProblems('not_acceptable')
  @ApiProblems('import_not_found', 'too_many_streams')
  async follow(
    @Param('id') id: string,
    @CurrentPrincipal() principal: Principal,
    @Query() query: ImportEventsQueryDto,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Headers('accept') accept: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    assertTakesEvents(accept);
    if (request.method === 'HEAD') {
      await this.imports.require(id, principal.tenant);
      return answerHeadOfEvents(reply);
    }
    const isMasked = !maySeePayloads(principal, feedQueueName);
    const follower = { tenant: principal.tenant, id: principal.id, isMasked };
    await this.events.open(id, follower, lastEventId ?? query.lastEventId, reply);
  }
}
