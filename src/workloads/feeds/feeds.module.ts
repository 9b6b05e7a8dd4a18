import { Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../../platform/database/migrations';
import { FeedFetchModule } from './feed-fetch/feed-fetch.module';
import { FeedImportModule } from './feed-import/feed-import.module';
import { FeedStoresModule } from './feed-stores.module';
import { ImportCleaner } from './import-cleaner.service';
import { ImportJobEnds } from './import-job-ends.service';
import { ImportReconciler } from './import-reconciler.service';
import { ItemsExportSource } from './items-export.source';
import { SourceScheduleRunner } from './source-schedule.service';

export const feedsMigrations: MigrationFolder = { name: 'feeds', folder: join(__dirname, 'migrations') };

/** Feeds, from their fetch to their items. */
@Module({
  imports: [FeedImportModule, FeedFetchModule, FeedStoresModule],
  providers: [ImportReconciler, ImportJobEnds, ImportCleaner, SourceScheduleRunner, ItemsExportSource],
  exports: [FeedStoresModule, ImportReconciler, ImportCleaner, SourceScheduleRunner],
})
export class FeedsModule {}
