import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Audited } from '../../platform/audit/audited.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { Database } from '../../platform/database/database.service';
import { encodeCursor, nextLink, timePlaceIn } from '../../platform/http/cursor';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { isPushSubscriptionId, PushSubscriptions } from '../../workloads/tasks/push-subscriptions.store';
import { NOTIFICATIONS_PATH, ofNotifications } from './notification-view';
import { PushRegistry } from './push-registry.service';
import {
  NewPushSubscriptionDto,
  PushKeyDto,
  PushSubscriptionDto,
  PushSubscriptionListDto,
  PushSubscriptionListQueryDto,
} from './push-subscription.dto';

const PATH = `${NOTIFICATIONS_PATH}/subscriptions`;

/** The browsers in which users take notifications. */
@ApiTags('notifications')
@Controller(NOTIFICATIONS_PATH.slice(1))
export class PushSubscriptionsController {
  constructor(
    private readonly registry: PushRegistry,
    private readonly subscriptions: PushSubscriptions,
    private readonly database: Database,
  ) {}

  /** The key with which a browser subscribes. */
  @Get('push-key')
  @Requires('notifications:read', ofNotifications)
  @ApiOkResponse({ type: PushKeyDto })
  @ApiProblems('push_not_configured')
  pushKey(): PushKeyDto {
    return { publicKey: this.registry.vapid.publicKey };
  }

  /**
   * Keeps the subscription of a browser, sealed, or renews it (200). Of each user the 20 that were renewed last stay; a
   * browser that another user has subscribed is from then on that of this one.
   */
  @Audited('notifications.subscribe')
  @Post('subscriptions')
  @Requires('notifications:write', ofNotifications)
  @ApiCreatedResponse({ type: PushSubscriptionDto })
  @ApiOkResponse({ type: PushSubscriptionDto })
  @ApiProblems('push_not_configured', 'secrets_unavailable')
  async subscribe(
    @Body() body: NewPushSubscriptionDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PushSubscriptionDto> {
    this.database.assertReady();
    const { subscription, isNew } = await this.registry.put(body, principal);
    reply.code(isNew ? 201 : 200);
    return this.registry.view(subscription);
  }

  /** The subscriptions, oldest first, without where they lead to. */
  @Get('subscriptions')
  @Requires('notifications:read', ofNotifications)
  @ApiOkResponse({ type: PushSubscriptionListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: PushSubscriptionListQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PushSubscriptionListDto> {
    this.database.assertReady();
    const { limit, cursor, userId } = query;
    const found = await this.subscriptions.list({
      tenant,
      limit: limit + 1,
      ...(userId !== undefined && { userId }),
      ...(cursor !== undefined && { after: positionIn(cursor) }),
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next =
      found.length > limit && last !== undefined ? encodeCursor([last.createdAt.getTime(), last.id]) : null;
    if (next !== null) reply.header('link', nextLink(PATH, query, next));
    return { items: items.map((one) => this.registry.view(one)), next_cursor: next };
  }

  /** Nothing is pushed to this browser any more. */
  @Audited('notifications.unsubscribe')
  @Delete('subscriptions/:id')
  @Requires('notifications:write', ofNotifications)
  @HttpCode(204)
  @ApiNoContentResponse()
  @ApiProblems('push_subscription_not_found')
  async unsubscribe(@Param('id') id: string, @CurrentPrincipal() { tenant }: Principal): Promise<void> {
    this.database.assertReady();
    if (!(await this.subscriptions.remove(id, tenant))) throw problem('push_subscription_not_found');
  }
}

/** Throws `cursor_invalid`. */
function positionIn(cursor: string) {
  const { at, id } = timePlaceIn(cursor, isPushSubscriptionId);
  return { createdAt: at, id };
}
