import { Module } from '@nestjs/common';
import { EventStreamsModule } from '../../platform/http/event-streams.module';
import { TasksModule } from '../../workloads/tasks/tasks.module';
import { InboxSampler } from './inbox-sampler.service';
import { NotificationEventsController } from './notification-events.controller';
import { NotificationEvents } from './notification-events.service';
import { NotificationsController } from './notifications.controller';
import { PushRegistry } from './push-registry.service';
import { PushSubscriptionsController } from './push-subscriptions.controller';

@Module({
  imports: [TasksModule, EventStreamsModule],
  // The paths of the first two would otherwise be ids of notifications.
  controllers: [NotificationEventsController, PushSubscriptionsController, NotificationsController],
  providers: [NotificationEvents, InboxSampler, PushRegistry],
})
export class NotificationsApiModule {}
