import { Global, Module } from '@nestjs/common';
import { RetentionModule } from '../retention/retention.module';
import { EarlyTrim } from './early-trim.service';
import { MemoryWatch } from './memory-watch.service';
import { QueueUsageMeter } from './queue-usage.service';
import { StoreIdentity } from './store-identity.service';

@Global()
@Module({
  imports: [RetentionModule],
  providers: [MemoryWatch, QueueUsageMeter, EarlyTrim, StoreIdentity],
  exports: [MemoryWatch, StoreIdentity],
})
export class MemoryModule {}
