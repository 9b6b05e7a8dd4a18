import { Module } from '@nestjs/common';
import { QueuesController } from './queues.controller';
import { QueuesService } from './queues.service';
import { StatsController } from './stats.controller';

/** How full the queues are, and how they are set up. */
@Module({ controllers: [StatsController, QueuesController], providers: [QueuesService] })
export class QueuesModule {}
