import { Module } from '@nestjs/common';
import { NotificationChanges } from './notification-changes.store';
import { NotificationCleaner } from './notification-cleaner.service';
import { NotificationsExportSource } from './notifications-export.source';
import { Notifications } from './notifications.store';
import { PushSubscriptions } from './push-subscriptions.store';

@Module({
  providers: [
    Notifications,
    NotificationChanges,
    NotificationCleaner,
    NotificationsExportSource,
    PushSubscriptions,
  ],
  exports: [Notifications, NotificationChanges, PushSubscriptions],
})
export class NotificationStoresModule {}
