import { Module } from '@nestjs/common';
import { AgentsModule } from '../../workloads/agents/agents.module';
import { ClientsController } from './clients.controller';

@Module({ imports: [AgentsModule], controllers: [ClientsController] })
export class ClientsApiModule {}
