import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { and, inArray, lt, sql } from 'drizzle-orm';
import { Settings } from '../../config/settings';
import { Database } from '../../platform/database/database.service';
import { Leader } from '../../platform/leader/leader.service';
import { notificationInboxes, notifications } from './notifications.tables';
import { PushSubscriptions } from './push-subscriptions.store';

const SWEEP_INTERVAL_MS = 60_000;
const DAY_MS = 86_400_000;
const BATCH_SIZE = 1_000;
const MAX_BATCHES_PER_SWEEP = 20;

/**
 * Removes notifications that are older than the settings keep them, inboxes that have been empty for as long, and
 * subscriptions to web push that have ended.
 */
@Injectable()
export class NotificationCleaner implements OnApplicationBootstrap {
  private readonly logger = new Logger('notifications');

  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
    private readonly leader: Leader,
    private readonly subscriptions: PushSubscriptions,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('notification-cleaner', SWEEP_INTERVAL_MS, async () => {
      if (this.database.isSchemaReady) await this.sweep();
    });
  }

  /** One pass over at most 20,000 of each; resolves with the number of notifications removed. */
  async sweep(now = Date.now()): Promise<number> {
    const before = new Date(now - this.settings.NOTIFICATION_RETENTION_DAYS * DAY_MS);
    const removed = await inBatches(() => this.removeNotifications(before));
    await inBatches(() => this.removeInboxes(before));
    await inBatches(() => this.subscriptions.removeExpired(new Date(now), BATCH_SIZE));
    if (removed > 0) this.logger.log(`Removed ${removed} notifications whose time is over.`);
    return removed;
  }

  private async removeNotifications(before: Date): Promise<number> {
    const old = this.database.query
      .select({ id: notifications.id })
      .from(notifications)
      .where(lt(notifications.createdAt, before))
      .limit(BATCH_SIZE);
    const { rowCount } = await this.database.query
      .delete(notifications)
      .where(inArray(notifications.id, old));
    return rowCount ?? 0;
  }

  /** A job that puts something into one meanwhile has changed it, and it stays. */
  private async removeInboxes(before: Date): Promise<number> {
    const { tenant, userId, changedAt } = notificationInboxes;
    const old = this.database.query
      .select({ tenant, userId })
      .from(notificationInboxes)
      .where(
        and(
          lt(changedAt, before),
          sql`NOT EXISTS (SELECT 1 FROM ${notifications} WHERE ${notifications.tenant} = ${tenant} AND ${notifications.userId} = ${userId})`,
        ),
      )
      .limit(BATCH_SIZE);
    const { rowCount } = await this.database.query
      .delete(notificationInboxes)
      .where(and(lt(changedAt, before), sql`(${tenant}, ${userId}) IN ${old}`));
    return rowCount ?? 0;
  }
}

async function inBatches(remove: () => Promise<number>): Promise<number> {
  let removed = 0;
  for (let batch = 0; batch < MAX_BATCHES_PER_SWEEP; batch += 1) {
    const gone = await remove();
    removed += gone;
    if (gone < BATCH_SIZE) break;
  }
  return removed;
}
