import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { CleanupSchedule } from './cleanup-schedule.service';
import { CleanupProcessor } from './cleanup.processor';
import { CleanupProducer } from './cleanup.producer';
import { cleanupQueue } from './cleanup.queue';
import { CleanupService } from './cleanup.service';

@Module({
  imports: [QueueModule.forQueue(cleanupQueue)],
  providers: [CleanupProducer, CleanupProcessor, CleanupService, CleanupSchedule],
  exports: [CleanupProducer],
})
export class CleanupModule {}
