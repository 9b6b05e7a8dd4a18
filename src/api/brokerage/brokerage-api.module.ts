import { Module } from '@nestjs/common';
import { BrokerageModule } from '../../workloads/brokerage/brokerage.module';
import { ConnectionsController } from './connections.controller';
import { Connections } from './connections.service';
import { TradeImportsController } from './trade-imports.controller';
import { NotesController } from './notes.controller';
import { ReviewsController } from './reviews.controller';
import { SyncsController } from './syncs.controller';

@Module({
  imports: [BrokerageModule],
  controllers: [
    ConnectionsController,
    SyncsController,
    TradeImportsController,
    ReviewsController,
    NotesController,
  ],
  providers: [Connections],
})
export class BrokerageApiModule {}
