import { MAX_PUSH_BYTES } from '../../../integrations/web-push/push-sender.service';
import type { Notification } from '../notifications.tables';

export type CutField = 'title' | 'body' | 'metadata';

/** What a service worker gets of a notification. */
export interface PushMessage {
  readonly text: string;
  /** What is not all there; the notification itself has it. */
  readonly truncated: readonly CutField[];
}

// A title of 200 characters fits, unless each is made of several.
const MAX_TITLE_BYTES = 1_000;
// As much of a body as its reader needs to know what it is about goes before metadata.
const LEAST_BODY_BYTES = 600;
const ELLIPSIS = '…';
const characters = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** The notification as JSON that fits into one push; what is too long is cut, and named in `truncated`. */
export function pushMessage(notification: Notification): PushMessage {
  const { id, type, createdAt } = notification;
  const title = shortened(notification.title, MAX_TITLE_BYTES);
  const base = { notificationId: id, type, createdAt: createdAt.toISOString(), title, body: '' };
  const all: readonly CutField[] = ['title', 'body', 'metadata'];
  let room = MAX_PUSH_BYTES - Buffer.byteLength(JSON.stringify({ ...base, metadata: null, truncated: all }));
  const { metadata: given } = notification;
  const metadataBytes = given === null ? 0 : Buffer.byteLength(JSON.stringify(given));
  const isWhole = metadataBytes <= room - Math.min(bytesIn(notification.body), LEAST_BODY_BYTES);
  if (isWhole) room -= metadataBytes;
  const body = shortened(notification.body, room);
  const truncated: CutField[] = [];
  if (title !== notification.title) truncated.push('title');
  if (body !== notification.body) truncated.push('body');
  if (!isWhole) truncated.push('metadata');
  return { text: JSON.stringify({ ...base, body, metadata: isWhole ? given : null, truncated }), truncated };
}

/** As many whole characters as fit, as a reader sees them; of a single one that does not, as many code points. */
function shortened(text: string, maxBytes: number): string {
  if (bytesIn(text) <= maxBytes) return text;
  const room = maxBytes - Buffer.byteLength(ELLIPSIS);
  const whole = beginning(segments(text), room);
  return `${whole === '' ? beginning(text, room) : whole}${ELLIPSIS}`;
}

function beginning(parts: Iterable<string>, maxBytes: number): string {
  let kept = '';
  let bytes = 0;
  for (const part of parts) {
    bytes += bytesIn(part);
    if (bytes > maxBytes) break;
    kept += part;
  }
  return kept;
}

function* segments(text: string): Generator<string> {
  for (const { segment } of characters.segment(text)) yield segment;
}

/** Within JSON, without the quotation marks. */
function bytesIn(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}
