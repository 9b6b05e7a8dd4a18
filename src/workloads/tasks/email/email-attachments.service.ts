import { Injectable } from '@nestjs/common';
import { Settings } from '../../../config/settings';
import type { MailAttachment } from '../../../integrations/mail/mail-message';
import { Files } from '../../../platform/files/files.service';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import type { OpenedFile } from '../../../platform/storage/blob-store';
import type { EmailAttachment } from './email.payload';

/** The stored files that go along with a mail. */
@Injectable()
export class EmailAttachments {
  constructor(
    private readonly files: Files,
    private readonly settings: Settings,
  ) {}

  /** Opens all of them for as long as they are used. Throws HopelessJobError for one that is gone, and for too much. */
  async withAll<T>(
    wanted: readonly EmailAttachment[],
    tenant: string,
    use: (attachments: readonly MailAttachment[]) => Promise<T>,
  ): Promise<T> {
    const opened: OpenedFile[] = [];
    try {
      const attachments: MailAttachment[] = [];
      for (const { filename, path } of wanted) {
        const record = await this.files.find(path, tenant);
        const file = record === undefined ? undefined : await this.files.open(record);
        if (record === undefined || file === undefined) {
          throw new HopelessJobError(`The attachment ${path} is not there, or has expired.`);
        }
        opened.push(file);
        const { contentType, bytes } = record;
        const open = () => file.stream();
        attachments.push({ filename, contentType, bytes, open });
      }
      this.assertSize(attachments);
      return await use(attachments);
    } finally {
      await Promise.all(opened.map((file) => file.close()));
    }
  }

  private assertSize(attachments: readonly MailAttachment[]): void {
    const total = attachments.reduce((sum, { bytes }) => sum + bytes, 0);
    const max = this.settings.MAIL_MAX_ATTACHMENT_BYTES;
    if (total <= max) return;
    throw new HopelessJobError(
      `The attachments have ${total} bytes; at most ${max} go into one mail: send a link instead.`,
    );
  }
}
