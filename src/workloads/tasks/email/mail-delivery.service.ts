import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Settings } from '../../../config/settings';
import { MailComposer } from '../../../integrations/mail/mail-composer';
import type { MailMessage, MailOutcome } from '../../../integrations/mail/mail-message';
import { SmtpTransport } from '../../../integrations/mail/smtp-transport';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import { MailOutbox } from '../mail-outbox.store';

export interface MailOwner {
  readonly jobId: string;
  readonly tenant: string;
}

/**
 * Mail goes to the server of SMTP_URL; without one it goes into the outbox, where it can be looked at. In production
 * nobody looks there: a mail without a server is a dead letter, until there is one.
 */
@Injectable()
export class MailDelivery implements OnApplicationShutdown {
  private readonly logger = new Logger('Mail');
  private readonly smtp: SmtpTransport | undefined;
  private composer?: Promise<MailComposer>;

  constructor(
    private readonly settings: Settings,
    private readonly outbox: MailOutbox,
  ) {
    const { SMTP_URL: url, MAIL_FROM: from, SMTP_CONNECTIONS: connections, isProduction } = settings;
    if (url === undefined) return;
    const requiresTls = settings.SMTP_TLS_REQUIRED ?? isProduction;
    this.smtp = new SmtpTransport({ url, from, connections, requiresTls });
  }

  /** Throws what the SMTP transport throws; for the outbox, what the database throws; else HopelessJobError. */
  async send(message: MailMessage, recipients: readonly string[], owner: MailOwner): Promise<MailOutcome> {
    if (this.smtp !== undefined) return this.smtp.send(message, recipients);
    const { MAIL_FROM: from, isProduction } = this.settings;
    if (isProduction) {
      throw new HopelessJobError(
        'SMTP_URL names no mail server: set it on the workers, then redrive the job.',
      );
    }
    const eml = await (await (this.composer ??= MailComposer.of(from))).bytes(message);
    const { messageId, subject, html, text } = message;
    const { jobId, tenant } = owner;
    const kept = { messageId, from, recipients, subject, html, text, eml, jobId, tenant };
    const id = await this.outbox.put(kept);
    this.logger.log({ msg: `The mail of job ${jobId} is in the outbox: /ui/outbox/${id}` });
    return { accepted: recipients, rejected: [], deferred: [] };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.smtp?.close();
  }
}
