import { Module } from '@nestjs/common';
import { PushSender } from '../../../integrations/web-push/push-sender.service';
import { QueueModule } from '../../../platform/queue/queue.module';
import { NotificationStoresModule } from '../notification-stores.module';
import { WebPushProcessor } from './web-push.processor';
import { WebPushProducer } from './web-push.producer';
import { webPushQueue } from './web-push.queue';
import { WebPushService } from './web-push.service';

@Module({
  imports: [QueueModule.forQueue(webPushQueue), NotificationStoresModule],
  providers: [WebPushProducer, WebPushProcessor, WebPushService, PushSender],
  exports: [WebPushProducer],
})
export class WebPushModule {}
