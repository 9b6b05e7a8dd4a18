import { Module, type DynamicModule } from '@nestjs/common';
import { JobsApiModule } from './api/jobs/jobs-api.module';
import { OpenApiModule } from './api/openapi/openapi.module';
import { QueueTestApiModule } from './api/queue-test/queue-test-api.module';
import type { Settings } from './config/settings';
import { SettingsModule } from './config/settings.module';
import { DashboardModule } from './operators/dashboard/dashboard.module';
import { HealthModule } from './operators/health/health.module';
import { QueuesModule } from './operators/queues/queues.module';
import { AuthModule } from './platform/auth/auth.module';
import { DatabaseModule } from './platform/database/database.module';
import { LeaderModule } from './platform/leader/leader.module';
import { loggingModule } from './platform/logging/logging.module';
import { outboxMigrations, OutboxModule } from './platform/outbox/outbox.module';
import { QueueModule } from './platform/queue/queue.module';
import { RedisModule } from './platform/redis/redis.module';
import { RetentionModule } from './platform/retention/retention.module';
import { WorkerModule } from './platform/worker/worker.module';
import { TasksModule } from './workloads/tasks/tasks.module';

const migrations = [outboxMigrations];

const platform = (settings: Settings) => [
  SettingsModule.forRoot(settings),
  loggingModule(settings),
  AuthModule,
  RedisModule,
  DatabaseModule.forRoot(migrations),
  LeaderModule,
  QueueModule.forRoot(),
  WorkerModule,
  OutboxModule,
  RetentionModule,
];

// One entry per domain; both roles need them, to enqueue and to run.
const workloads = [TasksModule];

const api = [JobsApiModule, QueueTestApiModule, OpenApiModule];
const operators = [DashboardModule, QueuesModule];

/** The one place that knows every room. */
@Module({})
export class AppModule {
  static forRole(settings: Settings): DynamicModule {
    const fronts = settings.ROLE === 'worker' ? [HealthModule] : [HealthModule, ...operators, ...api];
    return { module: AppModule, imports: [...platform(settings), ...workloads, ...fronts] };
  }
}
