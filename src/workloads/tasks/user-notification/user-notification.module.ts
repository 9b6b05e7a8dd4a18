import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { NotificationStoresModule } from '../notification-stores.module';
import { UserNotificationProcessor } from './user-notification.processor';
import { UserNotificationProducer } from './user-notification.producer';
import { userNotificationQueue } from './user-notification.queue';
import { UserNotificationService } from './user-notification.service';

@Module({
  imports: [QueueModule.forQueue(userNotificationQueue), NotificationStoresModule],
  providers: [UserNotificationProducer, UserNotificationProcessor, UserNotificationService],
  exports: [UserNotificationProducer],
})
export class UserNotificationModule {}
