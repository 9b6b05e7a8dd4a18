import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { CacheWarmProcessor } from './cache-warm.processor';
import { CacheWarmProducer } from './cache-warm.producer';
import { cacheWarmQueue } from './cache-warm.queue';
import { CacheWarmService } from './cache-warm.service';

@Module({
  imports: [QueueModule.forQueue(cacheWarmQueue)],
  providers: [CacheWarmProducer, CacheWarmProcessor, CacheWarmService],
  exports: [CacheWarmProducer],
})
export class CacheWarmModule {}
