import { Module } from '@nestjs/common';
import { AgentsModule } from '../../workloads/agents/agents.module';
import { CharterRequestsApi } from './charter-requests-api.service';
import { CharterRequestsController } from './charter-requests.controller';

@Module({
  imports: [AgentsModule],
  controllers: [CharterRequestsController],
  providers: [CharterRequestsApi],
})
export class CharterRequestsApiModule {}
