import { always } from '../../platform/auth/queue-of';
import { decodeCursor } from '../../platform/http/cursor';
import { problem } from '../../platform/problems/problem-catalogue';
import type { Notification } from '../../workloads/tasks/notifications.tables';
import { userNotificationQueue } from '../../workloads/tasks/user-notification/user-notification.queue';
import type { NotificationDto } from './notification.dto';

export const NOTIFICATIONS_PATH = '/api/notifications';

/** What a key may do with notifications hangs on their queue. */
export const NOTIFICATION_QUEUE = userNotificationQueue.name;
export const ofNotifications = always(NOTIFICATION_QUEUE);

/** The members that only `payloads:read` shows. */
export const secretMembers = ['title', 'body', 'metadata'] as const;
export const secretMembersOfItems = secretMembers.map((name) => `items.*.${name}`);

export function notificationView(notification: Notification): NotificationDto {
  const { id, userId, title, body, type, metadata, readAt, createdAt, jobId } = notification;
  return {
    id,
    userId,
    title,
    body,
    type,
    metadata,
    read: readAt !== null,
    readAt: readAt?.toISOString() ?? null,
    createdAt: createdAt.toISOString(),
    jobId,
    links: { self: `${NOTIFICATIONS_PATH}/${id}`, job: `/api/queue/jobs/${jobId}` },
  };
}

/** Throws `cursor_invalid`. */
export function positionIn(cursor: string): number {
  const [position] = decodeCursor(cursor, 'number');
  if (!Number.isSafeInteger(position) || position < 0) throw problem('cursor_invalid');
  return position;
}
