import { Controller, Get, Headers, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentPrincipal, maySeePayloads, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { Database } from '../../platform/database/database.service';
import { answerHeadOfEvents, assertTakesEvents } from '../../platform/http/takes-events';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { NotificationEventsQueryDto } from './notification.dto';
import { NotificationEvents } from './notification-events.service';
import { NOTIFICATION_QUEUE, NOTIFICATIONS_PATH, ofNotifications } from './notification-view';

@ApiTags('notifications')
@Controller(`${NOTIFICATIONS_PATH.slice(1)}/events`)
export class NotificationEventsController {
  constructor(
    private readonly events: NotificationEvents,
    private readonly database: Database,
  ) {}

  /** The notifications of a user as they come and change: `snapshot`, then `notification` and `unread`. */
  @Get()
  @Requires('notifications:read', ofNotifications)
  @ApiProduces('text/event-stream')
  @ApiHeader({ name: 'Last-Event-ID', required: false })
  @ApiOkResponse({ schema: { type: 'string' } })
  @ApiProblems('not_acceptable')
  @ApiProblems('query_invalid', 'too_many_streams')
  async follow(
    @CurrentPrincipal() principal: Principal,
    @Query() { userId, lastEventId: fromQuery }: NotificationEventsQueryDto,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Headers('accept') accept: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    assertTakesEvents(accept);
    this.database.assertReady();
    if (request.method === 'HEAD') return answerHeadOfEvents(reply);
    const isMasked = !maySeePayloads(principal, NOTIFICATION_QUEUE);
    const follower = { tenant: principal.tenant, userId, id: principal.id, isMasked };
    await this.events.open(follower, lastEventId ?? fromQuery, reply);
  }
}
