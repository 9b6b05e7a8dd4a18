import { Global, Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../database/migrations';
import { RetentionModule } from '../retention/retention.module';
import { FinishedHistory } from './finished-history.service';
import { JobsExportSource } from './jobs-export.source';
import { LedgerCursors } from './ledger-cursors.service';
import { LedgerPartitions } from './ledger-partitions.service';
import { LedgerRecorder } from './ledger-recorder.service';
import { LedgerRemovals } from './ledger-removals.service';
import { LedgerSearch } from './ledger-search.service';
import { LedgerWriter } from './ledger-writer.service';
import { LedgerStore } from './ledger.store';
import { LiveJobs } from './live-jobs.service';
import { LiveScan } from './live-scan.service';

export const ledgerMigrations: MigrationFolder = { name: 'ledger', folder: join(__dirname, 'migrations') };

@Global()
@Module({
  imports: [RetentionModule],
  providers: [
    LedgerStore,
    LedgerCursors,
    LedgerPartitions,
    LedgerRecorder,
    LedgerRemovals,
    LedgerSearch,
    FinishedHistory,
    LiveScan,
    LiveJobs,
    LedgerWriter,
    JobsExportSource,
  ],
  exports: [LedgerWriter, LedgerSearch, LedgerRemovals],
})
export class LedgerModule {}
