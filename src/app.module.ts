import { Module, type DynamicModule } from '@nestjs/common';
import type { Settings } from './config/settings';
import { SettingsModule } from './config/settings.module';
import { AuthModule } from './platform/auth/auth.module';
import { DatabaseModule } from './platform/database/database.module';
import { LeaderModule } from './platform/leader/leader.module';
import { loggingModule } from './platform/logging/logging.module';
import { outboxMigrations, OutboxModule } from './platform/outbox/outbox.module';
import { QueueModule } from './platform/queue/queue.module';
import { RedisModule } from './platform/redis/redis.module';
import { RetentionModule } from './platform/retention/retention.module';
import { WorkerModule } from './platform/worker/worker.module';

const platform = (settings: Settings) => [
  SettingsModule.forRoot(settings),
  loggingModule(settings),
  AuthModule,
  RedisModule,
  DatabaseModule.forRoot([outboxMigrations]),
  LeaderModule,
  QueueModule.forRoot(),
  WorkerModule,
  OutboxModule,
  RetentionModule,
];

/** The one place that knows every room. */
@Module({})
export class AppModule {
  static forRole(settings: Settings): DynamicModule {
    return { module: AppModule, imports: [...platform(settings)] };
  }
}
