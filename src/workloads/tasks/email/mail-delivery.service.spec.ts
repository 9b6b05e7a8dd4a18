import { Settings } from '../../../config/settings';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import type { MailOutbox, NewOutboxMail } from '../mail-outbox.store';
import { MailDelivery } from './mail-delivery.service';

const mail = {
  messageId: '<a@b>',
  to: ['ada@example.org'],
  cc: [],
  subject: 'Hello',
  html: '<p>Hello</p>',
  text: 'Hello',
  attachments: [],
};
const owner = { jobId: 'email_x', tenant: 'default' };

describe('mail without a mail server', () => {
  const kept: NewOutboxMail[] = [];
  const outbox = {
    put: (one: NewOutboxMail) => {
      kept.push(one);
      return Promise.resolve('mail_x');
    },
  } as unknown as MailOutbox;
  const send = (changes: Partial<Settings>) =>
    new MailDelivery(Object.assign(new Settings(), changes), outbox).send(mail, mail.to, owner);

  it('is kept to be looked at while something is developed', async () => {
    await expect(send({})).resolves.toMatchObject({ accepted: mail.to });
    expect(kept.map(({ messageId }) => messageId)).toEqual(['<a@b>']);
  });

  it('is never called sent in production', async () => {
    const sending = send({ NODE_ENV: 'production' });
    await expect(sending).rejects.toBeInstanceOf(HopelessJobError);
    await expect(sending).rejects.toThrow('SMTP_URL');
    expect(kept).toHaveLength(1);
  });
});
