import { Module } from '@nestjs/common';
import { BrokerageModule } from '../../workloads/brokerage/brokerage.module';
import { ConnectionsController } from './connections.controller';
import { Connections } from './connections.service';
import { SyncsController } from './syncs.controller';

@Module({
  imports: [BrokerageModule],
  controllers: [ConnectionsController, SyncsController],
  providers: [Connections],
})
export class BrokerageApiModule {}
