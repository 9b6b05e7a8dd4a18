import { Module } from '@nestjs/common';
import { AlpacaAdapter } from '../../integrations/broker/alpaca-adapter';
import { LanguageModelModule } from '../../integrations/language-model/language-model.module';
import { ActivityStore } from './activity.store';
import { BrokerAdapters } from './broker-adapters.service';
import { ConnectionCredentials } from './connection-credentials.service';
import { ConnectionStore } from './connection.store';
import { ImportStore } from './import.store';
import { NoteSearch } from './note-search.service';
import { NoteStore } from './note.store';
import { ReviewStore } from './review.store';
import { StatementAdapter } from './statement-adapter.service';
import { SyncRequests } from './sync-requests.store';
import { SyncRunStore } from './sync-run.store';

const stores = [
  ActivityStore,
  BrokerAdapters,
  ConnectionCredentials,
  ConnectionStore,
  ImportStore,
  NoteSearch,
  NoteStore,
  ReviewStore,
  SyncRequests,
  SyncRunStore,
];

@Module({
  imports: [LanguageModelModule],
  providers: [AlpacaAdapter, StatementAdapter, ...stores],
  exports: stores,
})
export class BrokerageStoresModule {}
