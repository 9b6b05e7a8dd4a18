import { Module } from '@nestjs/common';
import { AuditFrontModule } from './audit/audit-front.module';
import { DashboardModule } from './dashboard/dashboard.module';
import { DeadLettersModule } from './dead-letters/dead-letters.module';
import { OperationsFrontModule } from './operations/operations-front.module';
import { QueuesModule } from './queues/queues.module';

/** Everything that operators reach; the probes are apart, because workers serve them too. */
@Module({
  imports: [AuditFrontModule, DashboardModule, QueuesModule, DeadLettersModule, OperationsFrontModule],
})
export class OperatorsModule {}
