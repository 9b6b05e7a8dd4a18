import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { masked } from '../../platform/auth/masked.decorator';
import type { EventStream } from '../../platform/http/event-stream';
import { EventStreams } from '../../platform/http/event-streams.service';
import { NotificationChanges, type InboxPlace } from '../../workloads/tasks/notification-changes.store';
import type { Inbox } from '../../workloads/tasks/notification-inbox';
import { Notifications } from '../../workloads/tasks/notifications.store';
import type { Notification } from '../../workloads/tasks/notifications.tables';
import { InboxSampler } from './inbox-sampler.service';
import { notificationView, secretMembers } from './notification-view';

// What a reader has to take at once: each may have some 25 kB.
const SNAPSHOT_ITEMS = 20;
const PAGE_ITEMS = 10;

/** Who follows, and whether what it says is shown. */
export interface InboxFollower extends Inbox {
  /** For the share of the streams that one may have. */
  readonly id: string;
  readonly isMasked: boolean;
}

interface Reader extends InboxFollower {
  readonly stream: EventStream;
  place: InboxPlace;
}

/** The event streams of inboxes: a snapshot, then every notification that comes or changes, and how many are unread. */
@Injectable()
export class NotificationEvents {
  constructor(
    private readonly notifications: Notifications,
    private readonly changes: NotificationChanges,
    private readonly sampler: InboxSampler,
    private readonly streams: EventStreams,
  ) {}

  /** Whoever names the last event it has seen is told everything since; everybody else, what comes from now on. */
  async open(follower: InboxFollower, lastEventId: string | undefined, reply: FastifyReply): Promise<void> {
    const { version, unread, newest } = await this.changes.snapshot(follower, SNAPSHOT_ITEMS);
    let unwatch = (): void => undefined;
    const stream = this.streams.open(reply, follower, () => unwatch());
    if (stream === undefined) return;
    const seen = versionIn(lastEventId);
    // A version that is not reached yet is none of this inbox.
    const isResumed = seen !== undefined && seen <= version;
    const reader = { ...follower, stream, place: allOf(isResumed ? seen : version) };
    const items = newest.map((one) => shown(reader, one));
    // Who is cut off before the rest was told comes back with the id it had, not with that of the snapshot.
    stream.send('snapshot', { userId: follower.userId, unread, items }, isResumed ? undefined : version);
    unwatch = this.sampler.watch(follower, (latest) => this.tell(reader, latest));
  }

  /** Only an event after which nothing of its version is left to tell carries the version as its id. */
  private async tell(reader: Reader, latest: number): Promise<void> {
    const { stream, userId } = reader;
    if (latest <= reader.place.version && reader.place.position === ALL) return;
    while (!stream.isBehind) {
      const found = await this.changes.after(reader, reader.place, PAGE_ITEMS + 1);
      found.slice(0, PAGE_ITEMS).forEach((one, index) => {
        const isLast = found[index + 1]?.version !== one.version;
        stream.send('notification', shown(reader, one), isLast ? one.version : undefined);
        reader.place = isLast ? allOf(one.version) : { version: one.version, position: one.position };
      });
      if (found.length > PAGE_ITEMS) continue;
      const version = Math.max(latest, reader.place.version);
      stream.send('unread', { userId, unread: await this.notifications.countUnread(reader) }, version);
      reader.place = allOf(version);
      return;
    }
  }
}

const ALL = Number.MAX_SAFE_INTEGER;

function allOf(version: number): InboxPlace {
  return { version, position: ALL };
}

function versionIn(lastEventId: string | undefined): number | undefined {
  return lastEventId !== undefined && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : undefined;
}

function shown({ isMasked }: InboxFollower, notification: Notification): object {
  const view = notificationView(notification);
  return isMasked ? masked(view, secretMembers) : view;
}
