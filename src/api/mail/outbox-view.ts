import { timePlaceIn } from '../../platform/http/cursor';
import type { OutboxEntry, OutboxPosition } from '../../workloads/tasks/mail-outbox.store';
import type { OutboxEntryDto } from './mail.dto';

export const OUTBOX_PATH = '/api/mail/outbox';
export const OUTBOX_PAGE = '/ui/outbox';

export function outboxEntry(mail: OutboxEntry): OutboxEntryDto {
  const { id, messageId, sender, recipients, subject, bytes, jobId, createdAt } = mail;
  const self = `${OUTBOX_PATH}/${id}`;
  return {
    id,
    messageId,
    sender,
    recipients: [...recipients],
    subject,
    bytes,
    jobId,
    createdAt: createdAt.toISOString(),
    links: { self, eml: `${self}/eml`, page: `${OUTBOX_PAGE}/${id}` },
  };
}

/** Throws `cursor_invalid`. */
export function outboxPosition(cursor: string): OutboxPosition {
  const { at, id } = timePlaceIn(cursor, (text) => !text.includes('\0'));
  return { createdAt: at, id };
}
