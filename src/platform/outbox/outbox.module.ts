import { Global, Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../database/migrations';
import { FlowAdder } from '../flows/flow-adder.service';
import { OutboxRelay } from './outbox-relay.service';
import { Outbox } from './outbox.service';

export const outboxMigrations: MigrationFolder = { name: 'outbox', folder: join(__dirname, 'migrations') };

@Global()
@Module({ providers: [Outbox, OutboxRelay, FlowAdder], exports: [Outbox, FlowAdder] })
export class OutboxModule {}
