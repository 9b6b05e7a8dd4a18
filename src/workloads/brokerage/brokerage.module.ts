import { Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../../platform/database/migrations';
import { AiModule } from './ai/ai.module';
import { BrokerSyncModule } from './broker-sync/broker-sync.module';
import { BrokerageStoresModule } from './brokerage-stores.module';
import { ImportModule } from './import/import.module';

export const brokerageMigrations: MigrationFolder = {
  name: 'brokerage',
  folder: join(__dirname, 'migrations'),
};

const queues = [AiModule, BrokerSyncModule, ImportModule];

/** Accounts at brokers, as document 000 wants them: one entry per queue. */
@Module({
  imports: [...queues, BrokerageStoresModule],
  exports: [...queues, BrokerageStoresModule],
})
export class BrokerageModule {}
