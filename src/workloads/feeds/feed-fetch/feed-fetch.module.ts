import { Module } from '@nestjs/common';
import { FeedReaderModule } from '../../../integrations/feeds/feed-reader.module';
import { QueueModule } from '../../../platform/queue/queue.module';
import { FeedImportModule } from '../feed-import/feed-import.module';
import { FeedStoresModule } from '../feed-stores.module';
import { FeedFetchProcessor } from './feed-fetch.processor';
import { feedFetchQueue } from './feed-fetch.queue';
import { FeedFetchService } from './feed-fetch.service';

@Module({
  imports: [QueueModule.forQueue(feedFetchQueue), FeedStoresModule, FeedImportModule, FeedReaderModule],
  providers: [FeedFetchProcessor, FeedFetchService],
})
export class FeedFetchModule {}
