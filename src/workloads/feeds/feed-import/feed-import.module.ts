import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { FeedStoresModule } from '../feed-stores.module';
import { FeedImportProcessor } from './feed-import.processor';
import { FeedImportProducer } from './feed-import.producer';
import { feedImportQueue } from './feed-import.queue';
import { FeedImportService } from './feed-import.service';

@Module({
  imports: [QueueModule.forQueue(feedImportQueue), FeedStoresModule],
  providers: [FeedImportProducer, FeedImportProcessor, FeedImportService],
  exports: [FeedImportProducer],
})
export class FeedImportModule {}
