import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { CharterStoresModule } from '../charter-stores.module';
import { CommunicationService } from './communication.service';
import { CommunicationProcessor } from './communication.processor';
import { CommunicationProducer } from './communication.producer';
import { communicationQueue } from './communication.queue';

@Module({
  imports: [QueueModule.forQueue(communicationQueue), CharterStoresModule],
  providers: [CommunicationProducer, CommunicationProcessor, CommunicationService],
  exports: [CommunicationProducer],
})
export class CommunicationModule {}
