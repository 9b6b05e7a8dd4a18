import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Audited, NotAudited } from '../../platform/audit/audited.decorator';
import { Masked } from '../../platform/auth/masked.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { Database } from '../../platform/database/database.service';
import { encodeCursor, nextLink } from '../../platform/http/cursor';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { Notifications } from '../../workloads/tasks/notifications.store';
import type { Notification } from '../../workloads/tasks/notifications.tables';
import {
  NotificationDto,
  NotificationListDto,
  NotificationListQueryDto,
  ReadAllAnswerDto,
  ReadAllDto,
} from './notification.dto';
import {
  NOTIFICATIONS_PATH,
  notificationView,
  ofNotifications,
  positionIn,
  secretMembers,
  secretMembersOfItems,
} from './notification-view';

const readIsNoted = 'the notification itself says when it was read';

@ApiTags('notifications')
@Controller(NOTIFICATIONS_PATH.slice(1))
export class NotificationsController {
  constructor(
    private readonly notifications: Notifications,
    private readonly database: Database,
  ) {}

  /** The notifications of a user, newest first, and how many are unread. */
  @Get()
  @Requires('notifications:read', ofNotifications)
  @Masked(...secretMembersOfItems)
  @ApiOkResponse({ type: NotificationListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: NotificationListQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NotificationListDto> {
    this.database.assertReady();
    const { userId, unread, limit, cursor } = query;
    const inbox = { tenant, userId };
    const found = await this.notifications.list(inbox, {
      limit: limit + 1,
      ...(cursor !== undefined && { before: positionIn(cursor) }),
      ...(unread !== undefined && { isUnread: unread }),
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next = found.length > limit && last !== undefined ? encodeCursor([last.position]) : null;
    if (next !== null) reply.header('link', nextLink(NOTIFICATIONS_PATH, query, next));
    return {
      items: items.map(notificationView),
      unread: await this.notifications.countUnread(inbox),
      next_cursor: next,
    };
  }

  /** Marks everything that a user has not read, or what came until one notification. */
  @NotAudited(readIsNoted)
  @Post('read-all')
  @Requires('notifications:write', ofNotifications)
  @HttpCode(200)
  @ApiOkResponse({ type: ReadAllAnswerDto })
  @ApiProblems('notification_not_found')
  async readAll(
    @Body() { userId, upTo }: ReadAllDto,
    @CurrentPrincipal() { tenant }: Principal,
  ): Promise<ReadAllAnswerDto> {
    this.database.assertReady();
    const inbox = { tenant, userId };
    const last = upTo == null ? undefined : await this.notifications.find(upTo, tenant);
    if (upTo != null && last?.userId !== userId) throw problem('notification_not_found');
    const marked = await this.notifications.markAllRead(inbox, last?.position);
    return { userId, marked, unread: await this.notifications.countUnread(inbox) };
  }

  @Get(':id')
  @Requires('notifications:read', ofNotifications)
  @Masked(...secretMembers)
  @ApiOkResponse({ type: NotificationDto })
  @ApiProblems('notification_not_found')
  async read(@Param('id') id: string, @CurrentPrincipal() { tenant }: Principal): Promise<NotificationDto> {
    this.database.assertReady();
    return shown(await this.notifications.find(id, tenant));
  }

  /** Says that its user has read it; the first time stays. */
  @NotAudited(readIsNoted)
  @Post(':id/read')
  @Requires('notifications:write', ofNotifications)
  @HttpCode(200)
  @Masked(...secretMembers)
  @ApiOkResponse({ type: NotificationDto })
  @ApiProblems('notification_not_found')
  async markRead(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
  ): Promise<NotificationDto> {
    this.database.assertReady();
    return shown(await this.notifications.mark(id, tenant, true));
  }

  /** Says that its user wants to read it again. */
  @NotAudited(readIsNoted)
  @Post(':id/unread')
  @Requires('notifications:write', ofNotifications)
  @HttpCode(200)
  @Masked(...secretMembers)
  @ApiOkResponse({ type: NotificationDto })
  @ApiProblems('notification_not_found')
  async markUnread(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
  ): Promise<NotificationDto> {
    this.database.assertReady();
    return shown(await this.notifications.mark(id, tenant, false));
  }

  @Audited('notifications.delete')
  @Delete(':id')
  @Requires('notifications:write', ofNotifications)
  @HttpCode(204)
  @ApiNoContentResponse()
  @ApiProblems('notification_not_found')
  async remove(@Param('id') id: string, @CurrentPrincipal() { tenant }: Principal): Promise<void> {
    this.database.assertReady();
    if (!(await this.notifications.remove(id, tenant))) throw problem('notification_not_found');
  }
}

function shown(notification: Notification | undefined): NotificationDto {
  if (notification === undefined) throw problem('notification_not_found');
  return notificationView(notification);
}
