import { Injectable, Logger } from '@nestjs/common';
import { Settings } from '../../../config/settings';
import { DeadLetterStore } from '../../../platform/dead-letter/dead-letter.store';
import type { Transaction } from '../../../platform/database/database.service';
import { Outbox } from '../../../platform/outbox/outbox.service';
import { RateWindows } from '../../../platform/limits/rate-windows.service';
import type { AgentJob } from '../agent-job';
import { ErrorGroups, type GroupChange } from '../error-groups.store';
import { alertMail } from './alert-mail';
import {
  MAX_ALERTED_GROUPS,
  type AlertedGroup,
  type AlertKind,
  type ErrorAlertPayload,
  type ErrorMonitorPayload,
} from './error-monitor.payload';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
// Whoever gets more than this in an hour reads none of them; the log has all.
const ALERTS_PER_HOUR = 30;

export interface ErrorMonitorResult {
  readonly success: true;
  readonly requestId: string;
  /** Deaths that were added to their groups. */
  readonly deaths: number;
  readonly groups: number;
  readonly alerts: number;
}

/** Groups what has died, and raises an alert on what is new, has come back, or comes too often. */
@Injectable()
export class ErrorMonitorService {
  private readonly logger = new Logger('ErrorMonitor');

  constructor(
    private readonly letters: DeadLetterStore,
    private readonly groups: ErrorGroups,
    private readonly outbox: Outbox,
    private readonly windows: RateWindows,
    private readonly settings: Settings,
  ) {}

  async consume(
    { requestId, deadLetterIds = [] }: ErrorMonitorPayload,
    job: AgentJob,
    now = Date.now(),
  ): Promise<ErrorMonitorResult> {
    const letters = await this.letters.ofIds(deadLetterIds);
    const deaths = letters.map(({ attempts, ...letter }) => ({
      ...letter,
      version: attempts.at(-1)?.version ?? null,
    }));
    const isLoud = deaths.length > 0 && this.hasReceivers && (await this.mayAlert());
    const { alerts, groups } = await job.effects.once('group', async (transaction) => {
      const windowMs = this.settings.ERROR_ALERT_RATE_MINUTES * MINUTE_MS;
      const changes = await this.groups.add(transaction, deaths, Math.floor(now / windowMs));
      const raised = changes.flatMap((change) => this.alertsOf(change));
      if (isLoud && raised.length > 0) await this.promise(transaction, raised, job);
      return { alerts: raised, groups: changes.length };
    });
    alerts.forEach((alert) => this.log(alert));
    this.outbox.wakeRelay();
    return { success: true, requestId, deaths: deaths.length, groups, alerts: alerts.length };
  }

  private get hasReceivers(): boolean {
    const { ERROR_ALERT_WEBHOOK_URL, ERROR_ALERT_EMAIL } = this.settings;
    return ERROR_ALERT_WEBHOOK_URL !== undefined || ERROR_ALERT_EMAIL !== undefined;
  }

  private async mayAlert(): Promise<boolean> {
    const limit = { max: ALERTS_PER_HOUR, windowMs: HOUR_MS };
    return (await this.windows.take('error alerts', limit)).isAllowed;
  }

  private alertsOf({ group, kind, windowBefore }: GroupChange): AlertedGroup[] {
    if (group.status === 'ignored') return [];
    const { ERROR_ALERT_RATE: threshold } = this.settings;
    const isTooOften = threshold > 0 && windowBefore < threshold && group.windowCount >= threshold;
    const kinds: AlertKind[] = [
      ...(kind === 'known' ? [] : [kind]),
      ...(isTooOften ? ['rate' as const] : []),
    ];
    const { tenant, fingerprint, queues, errorName, errorMessage, count, deadLetterId } = group;
    return kinds.map((one) => ({
      kind: one,
      tenant,
      fingerprint,
      queues,
      errorName,
      errorMessage,
      count,
      deadLetterId,
    }));
  }

  private async promise(
    transaction: Transaction,
    raised: readonly AlertedGroup[],
    { id, tenant }: AgentJob,
  ): Promise<void> {
    const { ERROR_ALERT_WEBHOOK_URL, ERROR_ALERT_EMAIL: to } = this.settings;
    const groups = raised.slice(0, MAX_ALERTED_GROUPS);
    const more = raised.length - groups.length;
    if (ERROR_ALERT_WEBHOOK_URL !== undefined) {
      const payload: ErrorAlertPayload = { alertId: `alert_${id}`, groups, more };
      await this.outbox.put(transaction, { type: 'send-error-alert', key: payload.alertId, payload, tenant });
    }
    if (to !== undefined) {
      const payload = alertMail({ to, groups, more });
      await this.outbox.put(transaction, { type: 'EMAIL_SEND', key: `error-alert:${id}`, payload, tenant });
    }
  }

  private log({
    kind,
    fingerprint,
    queues,
    errorName,
    errorMessage,
    count,
    deadLetterId,
    tenant,
  }: AlertedGroup): void {
    const what = {
      new: 'Jobs die of something new',
      regression: 'Jobs die again of something that was resolved',
      rate: 'Jobs die of the same too often',
    }[kind];
    this.logger.error({
      msg: `${what}: ${errorName} in ${queues.join(', ')}`,
      alert: kind,
      errorGroup: fingerprint,
      errorMessage,
      deaths: count,
      deadLetterId,
      tenant,
    });
  }
}
