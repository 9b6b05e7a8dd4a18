import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { BrokerageStoresModule } from '../brokerage-stores.module';
import { ImportWatch } from './import-watch.service';
import { ImportProcessor } from './import.processor';
import { ImportProducer } from './import.producer';
import { importQueue } from './import.queue';
import { ImportService } from './import.service';

@Module({
  imports: [QueueModule.forQueue(importQueue), BrokerageStoresModule],
  providers: [ImportProducer, ImportProcessor, ImportService, ImportWatch],
  exports: [ImportProducer],
})
export class ImportModule {}
