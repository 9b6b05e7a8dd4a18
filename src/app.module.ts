import { Module, type DynamicModule } from '@nestjs/common';
import type { Settings } from './config/settings';
import { SettingsModule } from './config/settings.module';
import { HealthModule } from './operators/health/health.module';
import { MetricsFrontModule } from './operators/metrics/metrics-front.module';
import { AuditModule, auditMigrations } from './platform/audit/audit.module';
import { authMigrations, AuthStoresModule } from './platform/auth/auth-stores.module';
import { AuthModule } from './platform/auth/auth.module';
import { CacheModule } from './platform/cache/cache.module';
import { ContractsModule } from './platform/contracts/contracts.module';
import { DatabaseModule } from './platform/database/database.module';
import { deadLetterMigrations, DeadLetterModule } from './platform/dead-letter/dead-letter.module';
import { EffectsModule, effectsMigrations } from './platform/effects/effects.module';
import { ErrorReportingModule } from './platform/error-reporting/error-reporting.module';
import { ExportsModule } from './platform/exports/exports.module';
import { fileMigrations, FilesModule } from './platform/files/files.module';
import { flowMigrations, FlowsModule } from './platform/flows/flows.module';
import { HttpClientModule } from './platform/http-client/http-client.module';
import { IdempotencyModule } from './platform/idempotency/idempotency.module';
import { LeaderModule } from './platform/leader/leader.module';
import { ledgerMigrations, LedgerModule } from './platform/ledger/ledger.module';
import { LimitsModule } from './platform/limits/limits.module';
import { loggingModule } from './platform/logging/logging.module';
import { MemoryModule } from './platform/memory/memory.module';
import { MetricsModule } from './platform/metrics/metrics.module';
import { operationMigrations, OperationsModule } from './platform/operations/operations.module';
import { outboxMigrations, OutboxModule } from './platform/outbox/outbox.module';
import { QueueModule } from './platform/queue/queue.module';
import { RedisModule } from './platform/redis/redis.module';
import { ResultsModule } from './platform/results/results.module';
import { RetentionModule } from './platform/retention/retention.module';
import { SecretsModule } from './platform/secrets/secrets.module';
import { StorageModule } from './platform/storage/storage.module';
import { WorkerModule } from './platform/worker/worker.module';
import { FeedsModule, feedsMigrations } from './workloads/feeds/feeds.module';
import { agentsMigrations, AgentsModule } from './workloads/agents/agents.module';
import { brokerageMigrations, BrokerageModule } from './workloads/brokerage/brokerage.module';
import { TasksModule, tasksMigrations } from './workloads/tasks/tasks.module';
import { validationMigrations, ValidationModule } from './workloads/validation/validation.module';

const migrations = [
  authMigrations,
  outboxMigrations,
  effectsMigrations,
  ledgerMigrations,
  deadLetterMigrations,
  operationMigrations,
  flowMigrations,
  fileMigrations,
  auditMigrations,
  validationMigrations,
  tasksMigrations,
  feedsMigrations,
  agentsMigrations,
  brokerageMigrations,
];

const platform = (settings: Settings) => [
  SettingsModule.forRoot(settings),
  loggingModule(settings),
  AuthStoresModule,
  AuthModule,
  RedisModule,
  DatabaseModule.forRoot(migrations),
  StorageModule,
  HttpClientModule,
  CacheModule,
  LeaderModule,
  LimitsModule,
  QueueModule.forRoot(),
  IdempotencyModule,
  AuditModule,
  WorkerModule,
  MetricsModule,
  ErrorReportingModule,
  OutboxModule,
  // Before the contracts: an older payload is brought up with its secrets open.
  SecretsModule,
  ContractsModule,
  EffectsModule,
  ResultsModule,
  RetentionModule,
  MemoryModule,
  LedgerModule,
  DeadLetterModule,
  OperationsModule,
  FlowsModule,
  FilesModule,
  ExportsModule,
];

// One entry per domain; every role needs them, to enqueue or to run.
const workloads = [TasksModule, ValidationModule, FeedsModule, AgentsModule, BrokerageModule];

/** The fronts are loaded only where they are served: a worker stays small. */
async function fronts(): Promise<DynamicModule['imports']> {
  const [{ ApiModule }, { OperatorsModule }] = await Promise.all([
    import('./api/api.module.js'),
    import('./operators/operators.module.js'),
  ]);
  return [OperatorsModule, ApiModule];
}

/** The one place that knows every room. */
@Module({})
export class AppModule {
  static async forRole(settings: Settings): Promise<DynamicModule> {
    const served = settings.ROLE === 'worker' ? [] : await fronts();
    return {
      module: AppModule,
      imports: [...platform(settings), ...workloads, HealthModule, MetricsFrontModule, ...(served ?? [])],
    };
  }
}
