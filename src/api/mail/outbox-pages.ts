import { escaped, page } from '../../platform/http/page';
import type { OutboxEntry } from '../../workloads/tasks/mail-outbox.store';
import type { OutboxMail } from '../../workloads/tasks/mail.tables';
import { OUTBOX_PAGE, OUTBOX_PATH } from './outbox-view';

/** The newest mails, with a link to each. */
export function outboxPage(mails: readonly OutboxEntry[], shown: number): string {
  const why = '<p>Mail that was not sent, because <code>SMTP_URL</code> names no server.</p>';
  if (mails.length === 0) return page('Outbox', `${why}\n<p>There is none.</p>`);
  const items = mails.map(
    ({ id, subject, recipients, createdAt }) =>
      `<li><a href="${OUTBOX_PAGE}/${id}">${escaped(subject)}</a><br>to ${escaped(listed(recipients))}, ${time(createdAt)}</li>`,
  );
  const more =
    mails.length < shown ? '' : `<p>The newest ${shown}; all: <a href="${OUTBOX_PATH}">as JSON</a>.</p>`;
  return page('Outbox', `${why}\n<ul>\n${items.join('\n')}\n</ul>\n${more}`);
}

/** One mail: its head and its text, and links to its other forms. */
export function mailPage({
  id,
  subject,
  sender,
  recipients,
  messageId,
  jobId,
  text,
  createdAt,
  bytes,
}: OutboxMail): string {
  const facts: [string, string][] = [
    ['From', escaped(sender)],
    ['To', escaped(listed(recipients))],
    ['Sent', time(createdAt)],
    ['Message-ID', escaped(messageId)],
    ['Job', `<a href="/api/queue/jobs/${escaped(jobId)}">${escaped(jobId)}</a>`],
  ];
  const list = facts.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join('\n');
  return page(
    subject,
    `<dl>\n${list}\n</dl>
<p><a href="${OUTBOX_PAGE}/${id}/html">As its reader sees it</a> · <a href="${OUTBOX_PATH}/${id}/eml">The mail itself (${bytes} bytes)</a></p>
<h2>Text</h2>
<p>${escaped(text).replaceAll('\n', '<br>')}</p>
<p><a href="${OUTBOX_PAGE}">Outbox</a></p>`,
  );
}

function listed(recipients: readonly string[]): string {
  const [first = '', ...others] = recipients;
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}

function time(at: Date): string {
  return `<time datetime="${at.toISOString()}">${at.toISOString().slice(0, 16).replace('T', ' ')}</time>`;
}
