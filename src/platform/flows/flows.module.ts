import { Global, Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../database/migrations';
import { RetentionModule } from '../retention/retention.module';
import { FlowChildren } from './flow-children.service';
import { FlowCleaner } from './flow-cleaner.service';
import { FlowGuards } from './flow-guards.service';
import { FlowReader } from './flow-reader.service';
import { Flows } from './flows.service';

export const flowMigrations: MigrationFolder = { name: 'flows', folder: join(__dirname, 'migrations') };

/** Jobs that wait for one another. */
@Global()
@Module({
  imports: [RetentionModule],
  providers: [Flows, FlowReader, FlowChildren, FlowGuards, FlowCleaner],
  exports: [Flows, FlowReader, FlowChildren],
})
export class FlowsModule {}
