import { decodeCursor } from '../../platform/http/cursor';
import { problem } from '../../platform/problems/problem-catalogue';
import type { OutboxEntry, OutboxPosition } from '../../workloads/tasks/mail-outbox.store';
import type { OutboxEntryDto } from './mail.dto';

export const OUTBOX_PATH = '/api/mail/outbox';
export const OUTBOX_PAGE = '/ui/outbox';

// The end of the year 9999: PostgreSQL cannot read how JavaScript writes later years.
const LATEST_TIME = 253_402_300_799_999;

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
  const [at, id] = decodeCursor(cursor, 'number', 'string');
  if (!Number.isInteger(at) || at < 0 || at > LATEST_TIME || id.includes('\0')) {
    throw problem('cursor_invalid');
  }
  return { createdAt: new Date(at), id };
}
