import { Module } from '@nestjs/common';
import { DashboardModule } from './dashboard/dashboard.module';
import { QueuesModule } from './queues/queues.module';

/** Everything that operators reach; the probes are apart, because workers serve them too. */
@Module({ imports: [DashboardModule, QueuesModule] })
export class OperatorsModule {}
