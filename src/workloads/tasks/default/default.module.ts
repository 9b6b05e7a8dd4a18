import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { DefaultProcessor } from './default.processor';
import { DefaultProducer } from './default.producer';
import { defaultQueue } from './default.queue';
import { DefaultService } from './default.service';

@Module({
  imports: [QueueModule.forQueue(defaultQueue)],
  providers: [DefaultProducer, DefaultProcessor, DefaultService],
  exports: [DefaultProducer],
})
export class DefaultModule {}
