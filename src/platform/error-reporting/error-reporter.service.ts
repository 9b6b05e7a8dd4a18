import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Settings } from '../../config/settings';
import { errorReport, type ReportedPlace } from './error-report';
import { ReportBudget } from './report-budget';
import { SentryClient } from './sentry-client';

// Of reports with one fingerprint. A worker that cannot reach Redis fails many times a second in the same way.
const MAX_A_MINUTE = { job: 10, http: 10, worker: 1 } as const;
const FLUSH_MS = 2_000;
const NOTICE_INTERVAL_MS = 60_000;

/**
 * Reports failures to the address of SENTRY_DSN; without it nothing is loaded and nothing happens.
 * A report never throws, and nobody waits for it.
 */
@Injectable()
export class ErrorReporter implements OnApplicationShutdown {
  private readonly logger = new Logger('ErrorReporting');
  private readonly budget = new ReportBudget();
  private readonly client?: SentryClient;
  private noticedAt = -Infinity;

  constructor({ SENTRY_DSN, SENTRY_ENVIRONMENT, NODE_ENV, ROLE }: Settings) {
    if (SENTRY_DSN === undefined) return;
    try {
      this.client = new SentryClient({
        dsn: SENTRY_DSN,
        environment: SENTRY_ENVIRONMENT ?? NODE_ENV,
        role: ROLE,
      });
    } catch (error) {
      // Jobs are worth more than reports of them.
      this.logger.error(error instanceof Error ? error.message : 'Nothing is reported.');
    }
  }

  get isOn(): boolean {
    return this.client !== undefined;
  }

  /** The texts that the report must not repeat are gathered only for one that goes out. */
  report(error: unknown, place: () => ReportedPlace): void {
    if (this.client === undefined) return;
    try {
      const { hidden, ...where } = place();
      const report = errorReport(error, { ...where, ...(hidden !== undefined && { hidden }) });
      if (this.budget.take(report.fingerprint.join('\n'), MAX_A_MINUTE[where.kind])) this.client.send(report);
      else this.notice();
    } catch {
      // Whatever an error is made of, the job or the request that met it goes on.
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.client?.close(FLUSH_MS);
  }

  private notice(): void {
    const now = performance.now();
    if (now - this.noticedAt < NOTICE_INTERVAL_MS) return;
    this.noticedAt = now;
    this.logger.warn({
      msg: 'More failures than are reported in a minute; the logs have all of them',
      heldBack: this.budget.takeHeldBack(),
    });
  }
}
