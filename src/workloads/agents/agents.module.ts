import { Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../../platform/database/migrations';
import { FleetStoresModule } from './fleet-stores.module';

export const agentsMigrations: MigrationFolder = { name: 'agents', folder: join(__dirname, 'migrations') };

/** Charter requests, from plain words to a proposal: one entry per queue. */
@Module({ imports: [FleetStoresModule], exports: [FleetStoresModule] })
export class AgentsModule {}
