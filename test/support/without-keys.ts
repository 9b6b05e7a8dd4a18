import { Global, Module } from '@nestjs/common';
import { ApiKeyStore } from '../../src/platform/auth/api-key.store';
import { SessionStore } from '../../src/platform/auth/session.store';
import { SharedKeys } from '../../src/platform/auth/shared-keys.service';
import { AuditHooks } from '../../src/platform/audit/audit-hooks.service';
import { ErrorReporter } from '../../src/platform/error-reporting/error-reporter.service';
import { CallerLimits } from '../../src/platform/limits/caller-limits.service';
import { HttpMetrics } from '../../src/platform/metrics/http-metrics.service';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';

const stores = [
  { provide: ApiKeyStore, useValue: { hasEverHadOne: async () => false, find: async () => undefined } },
  {
    provide: SessionStore,
    useValue: { find: async () => undefined, signingSecret: async (one: string) => one },
  },
  { provide: AuditHooks, useValue: { install: () => undefined } },
  { provide: HttpMetrics, useValue: { install: () => undefined } },
  { provide: CallerLimits, useValue: { takeRequest: async () => undefined } },
];

/** What the gate needs, for an application without a database: no key was ever made, and nothing is limited. */
@Global()
@Module({
  providers: [...stores, SharedKeys, QueueRegistry, ErrorReporter],
  exports: [
    ApiKeyStore,
    SessionStore,
    SharedKeys,
    AuditHooks,
    HttpMetrics,
    CallerLimits,
    QueueRegistry,
    ErrorReporter,
  ],
})
export class WithoutKeys {}
