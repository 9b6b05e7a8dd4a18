import { Global, Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../database/migrations';
import { FlowReturn } from '../flows/flow-return.service';
import { RetentionModule } from '../retention/retention.module';
import { DeadLetterGroupsCacheSource } from './dead-letter-groups-cache.source';
import { DeadLetterKeeper } from './dead-letter-keeper.service';
import { DeadLetterParker } from './dead-letter-parker.service';
import { DeadLetterProjection } from './dead-letter-projection.service';
import { DeadLetterQueues } from './dead-letter-queues.service';
import { DeadLetterRedrive } from './dead-letter-redrive.service';
import { DeadLetterStore } from './dead-letter.store';
import { DeadLetterWriter } from './dead-letter-writer.service';
import { DeadLettersExportSource } from './dead-letters-export.source';
import { JobReturn } from './job-return.service';
import { JobRetry } from './job-retry.service';

export const deadLetterMigrations: MigrationFolder = {
  name: 'dead_letters',
  folder: join(__dirname, 'migrations'),
};

const offered = [
  JobReturn,
  FlowReturn,
  DeadLetterStore,
  DeadLetterWriter,
  DeadLetterRedrive,
  DeadLetterQueues,
  DeadLetterParker,
  DeadLetterProjection,
  DeadLetterKeeper,
  JobRetry,
];

/** Parks every death, shows the newest, and sends back what people decide to run again. */
@Global()
@Module({
  imports: [RetentionModule],
  providers: [...offered, DeadLettersExportSource, DeadLetterGroupsCacheSource],
  exports: offered,
})
export class DeadLetterModule {}
