import { Global, Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../database/migrations';
import { RetentionModule } from '../retention/retention.module';
import { JobCleaning } from './job-cleaning.service';
import { OperationActions } from './operation-actions.service';
import { OperationCleaner } from './operation-cleaner.service';
import { OperationRunner } from './operation-runner.service';
import { OperationStore } from './operation.store';
import { Operations } from './operations.service';

export const operationMigrations: MigrationFolder = {
  name: 'operations',
  folder: join(__dirname, 'migrations'),
};

/** Bulk actions with a handle, which survive the process that began them. */
@Global()
@Module({
  imports: [RetentionModule],
  providers: [Operations, OperationStore, OperationActions, OperationRunner, OperationCleaner, JobCleaning],
  exports: [JobCleaning, Operations, OperationStore, OperationRunner, OperationCleaner],
})
export class OperationsModule {}
