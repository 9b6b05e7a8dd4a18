import { Module } from '@nestjs/common';
import { AgentsModule } from '../../workloads/agents/agents.module';
import { ErrorsController } from './errors.controller';

@Module({ imports: [AgentsModule], controllers: [ErrorsController] })
export class ErrorsApiModule {}
