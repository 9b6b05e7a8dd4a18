import { Injectable } from '@nestjs/common';
import { Settings } from '../../../config/settings';
import { domainOf, plainAddress } from '../../../integrations/mail/mail-address';
import {
  MailRefusedError,
  type MailMessage,
  type MailOutcome,
  type RefusedRecipient,
} from '../../../integrations/mail/mail-message';
import type { JobEffects } from '../../../platform/effects/job-effects';
import { RateWindows } from '../../../platform/limits/rate-windows.service';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import { JobReturnedError } from '../../../platform/queue/job-step';
import { MailSuppressions } from '../mail-suppressions.store';
import { mailTemplate } from '../mail-template';
import { renderMail } from '../render-mail';
import { EmailAttachments } from './email-attachments.service';
import type { EmailPayload } from './email.payload';
import { MailDelivery } from './mail-delivery.service';

const MINUTE_MS = 60_000;
// What a mailbox that does not exist is answered with; other refusals may be about the mail.
const NO_SUCH_MAILBOX = new Set([550, 551, 553]);

export interface EmailJob {
  readonly id: string;
  readonly generation: number;
  readonly tenant: string;
  readonly effects: Pick<JobEffects, 'atLeastOnce'>;
}

export interface SentEmail {
  readonly messageId: string;
  readonly accepted: readonly string[];
  /** For good, by the mail server. */
  readonly rejected: readonly RefusedRecipient[];
  /** Left out because they are on the suppression list. */
  readonly suppressed: readonly string[];
}

@Injectable()
export class EmailService {
  constructor(
    private readonly settings: Settings,
    private readonly delivery: MailDelivery,
    private readonly attachments: EmailAttachments,
    private readonly suppressions: MailSuppressions,
    private readonly windows: RateWindows,
  ) {}

  /**
   * Sends a mail to each recipient once, in as many rounds as the server needs; what an earlier start has settled is
   * not sent again. Throws HopelessJobError where nobody can be reached, JobReturnedError for a domain that has had
   * enough for now, and an error worth a retry where recipients were put off.
   */
  async send(payload: EmailPayload, job: EmailJob): Promise<SentEmail> {
    const all = recipientsOf(payload);
    const suppressed = await this.suppressions.among(all, job.tenant);
    const open = all.filter((address) => !suppressed.has(plainAddress(address)));
    const messageId = this.messageId(job);
    const accepted: string[] = [];
    const rejected: RefusedRecipient[] = [];
    let pending = open;
    for (let round = 1; pending.length > 0; round += 1) {
      const outcome = await this.round(`send-${round}`, payload, { messageId, pending, job });
      accepted.push(...outcome.accepted);
      rejected.push(...outcome.rejected);
      pending = outcome.deferred.map(({ address }) => address);
      // Rounds that earlier starts have settled are read; the first that was made just now ends the attempt.
      if (pending.length > 0 && outcome.isFresh) throw deferral(outcome.deferred);
    }
    await this.suppress(rejected, job);
    const left = all.filter((address) => !open.includes(address));
    if (accepted.length === 0 && rejected.length > 0) throw new HopelessJobError(refusal(rejected));
    return { messageId, accepted, rejected, suppressed: left };
  }

  private async round(
    step: string,
    payload: EmailPayload,
    { messageId, pending, job }: { messageId: string; pending: readonly string[]; job: EmailJob },
  ): Promise<MailOutcome & { isFresh: boolean }> {
    let isFresh = false;
    const outcome = await job.effects.atLeastOnce(step, async () => {
      isFresh = true;
      await this.takeFromDomains(pending, job.tenant);
      const mail = await rendered(payload);
      return this.attachments.withAll(payload.attachments ?? [], job.tenant, (attachments) =>
        this.deliver({ ...mail, messageId, attachments }, pending, job),
      );
    });
    return { ...outcome, isFresh };
  }

  private async deliver(
    message: MailMessage,
    recipients: readonly string[],
    { id, tenant }: EmailJob,
  ): Promise<MailOutcome> {
    try {
      return await this.delivery.send(message, recipients, { jobId: id, tenant });
    } catch (error) {
      if (error instanceof MailRefusedError) throw new HopelessJobError(error.message);
      throw error;
    }
  }

  /** So many a minute to one domain, of all processes together; large receivers put off whoever sends more. */
  private async takeFromDomains(recipients: readonly string[], tenant: string): Promise<void> {
    const max = this.settings.MAIL_DOMAIN_PER_MINUTE;
    if (max === 0) return;
    for (const domain of new Set(recipients.map(domainOf))) {
      const cost = recipients.filter((address) => domainOf(address) === domain).length;
      const limit = { max: Math.max(max, cost), windowMs: MINUTE_MS };
      const { isAllowed, resetMs } = await this.windows.take(`mail/${tenant}/${domain}`, limit, cost);
      if (!isAllowed) throw new JobReturnedError(`"${domain}" takes no more mail in this minute.`, resetMs);
    }
  }

  private async suppress(rejected: readonly RefusedRecipient[], job: EmailJob): Promise<void> {
    for (const { address, code, reason } of rejected) {
      if (!NO_SUCH_MAILBOX.has(code)) continue;
      await this.suppressions.add({ address, reason: `${code}: ${reason}`, tenant: job.tenant, by: job.id });
    }
  }

  private messageId({ id, generation }: EmailJob): string {
    const [, domain = 'localhost'] = /@([^\s>]+)/.exec(this.settings.MAIL_FROM) ?? [];
    return `<${id}.${generation}@${domain}>`;
  }
}

function recipientsOf({ to, cc = [], bcc = [] }: EmailPayload): string[] {
  const byAddress = new Map([to, cc, bcc].flat().map((address) => [plainAddress(address), address]));
  return [...byAddress.values()];
}

async function rendered(payload: EmailPayload) {
  const { template: name, variables = {}, subject, to, cc = [], replyTo } = payload;
  const template = mailTemplate(name);
  if (template === undefined)
    throw new HopelessJobError(`There is no mail template "${name.slice(0, 100)}".`);
  const addressed = { to: [to].flat(), cc: [cc].flat(), ...(replyTo !== undefined && { replyTo }) };
  return { ...(await renderMail(template, variables, subject)), ...addressed };
}

function deferral(deferred: readonly RefusedRecipient[]): Error {
  const [first] = deferred;
  return new Error(`The mail server puts ${deferred.length} recipients off: ${first?.reason ?? ''}`);
}

function refusal(rejected: readonly RefusedRecipient[]): string {
  return `The mail server refuses every recipient: ${rejected[0]?.reason ?? ''}`;
}
