import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { MailStoresModule } from '../mail-stores.module';
import { EmailAttachments } from './email-attachments.service';
import { EmailProcessor } from './email.processor';
import { EmailProducer } from './email.producer';
import { emailQueue } from './email.queue';
import { EmailService } from './email.service';
import { MailDelivery } from './mail-delivery.service';

@Module({
  imports: [QueueModule.forQueue(emailQueue), MailStoresModule],
  providers: [EmailProducer, EmailProcessor, EmailService, EmailAttachments, MailDelivery],
  exports: [EmailProducer],
})
export class EmailModule {}
