import { Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../../platform/database/migrations';
import { CharterStoresModule } from './charter-stores.module';
import { ClientDataModule } from './client-data/client-data.module';
import { CommunicationModule } from './communication/communication.module';
import { ErrorMonitorModule } from './error-monitor/error-monitor.module';
import { ErrorStoresModule } from './error-stores.module';
import { FleetStoresModule } from './fleet-stores.module';
import { FlightSearchModule } from './flight-search/flight-search.module';
import { OrchestratorModule } from './orchestrator/orchestrator.module';
import { ProposalAnalysisModule } from './proposal-analysis/proposal-analysis.module';

export const agentsMigrations: MigrationFolder = { name: 'agents', folder: join(__dirname, 'migrations') };

const queues = [
  OrchestratorModule,
  ClientDataModule,
  FlightSearchModule,
  ProposalAnalysisModule,
  CommunicationModule,
  ErrorMonitorModule,
];
const stores = [FleetStoresModule, CharterStoresModule, ErrorStoresModule];

/** Charter requests, from plain words to a proposal: one entry per queue. */
@Module({ imports: [...queues, ...stores], exports: [...queues, ...stores] })
export class AgentsModule {}
