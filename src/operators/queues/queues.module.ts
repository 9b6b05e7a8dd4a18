import { Module } from '@nestjs/common';
import { OperationsFrontModule } from '../operations/operations-front.module';
import { KeyLimitsController } from './key-limits.controller';
import { QueueKeyLimits } from './key-limits.service';
import { QueueActionsController } from './queue-actions.controller';
import { QueueActions } from './queue-actions.service';
import { QueuesController } from './queues.controller';
import { QueuesService } from './queues.service';
import { StatsController } from './stats.controller';

/** How full the queues are, how they are set up, and what operators do to them. */
@Module({
  imports: [OperationsFrontModule],
  controllers: [StatsController, QueuesController, QueueActionsController, KeyLimitsController],
  providers: [QueuesService, QueueActions, QueueKeyLimits],
})
export class QueuesModule {}
