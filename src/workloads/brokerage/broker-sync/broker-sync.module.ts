import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { BrokerageStoresModule } from '../brokerage-stores.module';
import { BrokerSyncProcessor } from './broker-sync.processor';
import { BrokerSyncProducer } from './broker-sync.producer';
import { brokerSyncQueue } from './broker-sync.queue';
import { BrokerSyncService } from './broker-sync.service';
import { PositionCheck } from './position-check.service';
import { SyncScheduler } from './sync-schedule.service';

@Module({
  imports: [QueueModule.forQueue(brokerSyncQueue), BrokerageStoresModule],
  providers: [BrokerSyncProducer, BrokerSyncProcessor, BrokerSyncService, PositionCheck, SyncScheduler],
  exports: [BrokerSyncProducer, SyncScheduler],
})
export class BrokerSyncModule {}
