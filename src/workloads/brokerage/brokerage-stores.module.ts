import { Module } from '@nestjs/common';
import { AlpacaAdapter } from '../../integrations/broker/alpaca-adapter';
import { ActivityStore } from './activity.store';
import { BrokerAdapters } from './broker-adapters.service';
import { ConnectionCredentials } from './connection-credentials.service';
import { ConnectionStore } from './connection.store';
import { ImportStore } from './import.store';
import { SyncRequests } from './sync-requests.store';
import { SyncRunStore } from './sync-run.store';

const stores = [
  ActivityStore,
  BrokerAdapters,
  ConnectionCredentials,
  ConnectionStore,
  ImportStore,
  SyncRequests,
  SyncRunStore,
];

@Module({ providers: [AlpacaAdapter, ...stores], exports: stores })
export class BrokerageStoresModule {}
