import { Module } from '@nestjs/common';
import { EventStreamsModule } from '../../platform/http/event-streams.module';
import { TasksModule } from '../../workloads/tasks/tasks.module';
import { InboxSampler } from './inbox-sampler.service';
import { NotificationEventsController } from './notification-events.controller';
import { NotificationEvents } from './notification-events.service';
import { NotificationsController } from './notifications.controller';

@Module({
  imports: [TasksModule, EventStreamsModule],
  // Its path would otherwise be the id of a notification.
  controllers: [NotificationEventsController, NotificationsController],
  providers: [NotificationEvents, InboxSampler],
})
export class NotificationsApiModule {}
