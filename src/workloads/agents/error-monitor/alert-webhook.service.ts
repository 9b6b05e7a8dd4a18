import { Injectable } from '@nestjs/common';
import { Webhook } from 'standardwebhooks';
import { Settings } from '../../../config/settings';
import { HttpClient } from '../../../platform/http-client/http-client.service';
import { OutboundError } from '../../../platform/http-client/outbound-error';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import type { AgentJob } from '../agent-job';
import type { ErrorAlertPayload } from './error-monitor.payload';

/** What the receiver answers is of no interest. */
const MAX_ANSWER_BYTES = 65_536;

/** Tells the webhook of the settings of an alert, signed as Standard Webhooks describes it. */
@Injectable()
export class AlertWebhook {
  constructor(
    private readonly client: HttpClient,
    private readonly settings: Settings,
  ) {}

  /** Throws HopelessJobError where no further try can help. */
  async send(
    payload: ErrorAlertPayload,
    { effects, signal }: AgentJob,
  ): Promise<{ readonly status: number }> {
    const { ERROR_ALERT_WEBHOOK_URL: url, ERROR_ALERT_WEBHOOK_SECRET: secret } = this.settings;
    if (url === undefined || secret === undefined) {
      throw new HopelessJobError(
        'ERROR_ALERT_WEBHOOK_URL or ERROR_ALERT_WEBHOOK_SECRET is not set any more.',
      );
    }
    return effects.atLeastOnce('send', async () => {
      const body = JSON.stringify({ type: 'error.alert', ...payload });
      const at = new Date();
      try {
        const { status } = await this.client.buffer({
          url,
          method: 'POST',
          body,
          signal,
          maxBytes: MAX_ANSWER_BYTES,
          headers: {
            'content-type': 'application/json',
            'webhook-id': payload.alertId,
            'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
            'webhook-signature': new Webhook(secret).sign(payload.alertId, at, body),
          },
        });
        return { status };
      } catch (error) {
        if (error instanceof OutboundError && !error.isRetryable) throw new HopelessJobError(error.message);
        throw error;
      }
    });
  }
}
