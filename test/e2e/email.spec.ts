import { eq } from 'drizzle-orm';
import { Database } from '../../src/platform/database/database.service';
import { JobReader } from '../../src/platform/queue/job-reader.service';
import { mailOutbox } from '../../src/workloads/tasks/mail.tables';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';
import { SmtpSink } from '../support/smtp-sink';

const ADMIN = 'a-key-of-the-email-spec';

interface Body extends Record<string, unknown> {
  readonly id: string;
  readonly state: string;
  readonly result?: {
    messageId: string;
    accepted: string[];
    rejected: { address: string; code: number }[];
    suppressed: string[];
  };
  readonly error?: { message: string };
  readonly attempts: { made: number };
  readonly errors?: { pointer: string; detail: string }[];
}

function clientOf(server: TestServer) {
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}${path}`, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${ADMIN}` },
    });
  const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const answer = await ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as Body };
  };
  const send = (data: object, options: object = {}, wait = 30) =>
    post('/api/queue/jobs', { type: 'EMAIL_SEND', data, options }, { prefer: `wait=${wait}` });
  const json = async (path: string) => (await (await ask(path)).json()) as Record<string, unknown>;
  return { ask, post, send, json };
}

const mailTo = (to: string | string[], more: object = {}) => ({
  to,
  subject: 'Hello',
  template: 'test',
  variables: { message: 'It works' },
  ...more,
});
const soon = { backoff: { type: 'fixed', delay: 100 } };

describe('EMAIL_SEND over SMTP', () => {
  const sink = new SmtpSink({ user: 'holdfast', pass: 'p@ss/word' });
  let server: TestServer;
  let client: ReturnType<typeof clientOf>;

  beforeAll(async () => {
    await sink.listen();
    server = await startTestServer({
      HOLDFAST_BOOTSTRAP_KEY: ADMIN,
      SMTP_URL: sink.url.replace('p@ss/word', 'p%40ss%2Fword'),
      MAIL_FROM: 'Holdfast <mail@holdfast.example>',
      MAIL_MAX_ATTACHMENT_BYTES: '100000',
    });
    client = clientOf(server);
  });
  afterAll(async () => {
    await server.close();
    await sink.close();
  });
  beforeEach(() => {
    sink.received.length = 0;
  });

  async function upload(content: string, name: string): Promise<string> {
    const form = new FormData();
    form.append('file', new Blob([content], { type: 'text/plain' }), name);
    return ((await (await client.ask('/api/files', { method: 'POST', body: form })).json()) as Body).id;
  }

  it('delivers a mail of a template, with its text, its attachment and a Message-ID of its job', async () => {
    const path = await upload('the bill', 'bill.txt');
    const { body } = await client.send({
      to: ['ada@example.org', 'ADA@example.org', 'bob@example.org'],
      cc: ['carl@example.org'],
      bcc: ['dora@example.org'],
      replyTo: 'office@example.org',
      subject: 'Grüße, „Ada“',
      template: 'welcome',
      variables: { name: '<b>Ada</b> & Co', url: 'https://example.org/me?a=1&b=2' },
      attachments: [{ filename: 'Rechnung ü.txt', path }],
    });
    expect(body).toMatchObject({ state: 'completed' });
    const messageId = `<${body.id}.0@holdfast.example>`;
    expect(body.result).toMatchObject({ messageId, rejected: [], suppressed: [] });
    expect(body.result?.accepted).toHaveLength(4);
    expect(sink.received).toHaveLength(1);
    const [{ mail, recipients, raw }] = sink.received as [(typeof sink.received)[0]];
    expect(recipients).toHaveLength(4);
    expect(mail).toMatchObject({ messageId, subject: 'Grüße, „Ada“' });
    expect(mail.from?.text).toBe('"Holdfast" <mail@holdfast.example>');
    expect(mail.html).toContain('Welcome, &lt;b&gt;Ada&lt;/b&gt; &amp; Co');
    expect(mail.html).toContain('href="https://example.org/me?a=1&amp;b=2"');
    expect(mail.text).toContain('Welcome, <b>Ada</b> & Co');
    expect(mail.text).toContain('https://example.org/me?a=1&b=2');
    expect(raw).not.toContain('dora@');
    expect(mail.attachments).toMatchObject([{ filename: 'Rechnung ü.txt', contentType: 'text/plain' }]);
    expect(mail.attachments[0]?.content.toString()).toBe('the bill');
  });

  it('F44: tries again where the server took a mail and dropped the connection, under the same Message-ID', async () => {
    sink.dropsBeforeReply = 1;
    const { body } = await client.send(mailTo('ada@example.org'), soon);
    expect(body).toMatchObject({ state: 'completed', attempts: { made: 2 } });
    const ids = sink.received.map(({ mail }) => mail.messageId);
    process.stdout.write(`F44 sent=1 seen=${ids.length} message_ids=${new Set(ids).size}\n`);
    expect(ids).toHaveLength(2);
    expect(new Set(ids)).toEqual(new Set([body.result?.messageId]));
  });

  it('tries again what is put off, for those alone whom it concerns', async () => {
    sink.refusals.set('later@example.org', [450, 451]);
    const { body } = await client.send(mailTo(['ada@example.org', 'later@example.org']), soon);
    expect(body).toMatchObject({ state: 'completed', attempts: { made: 3 } });
    expect(body.result?.accepted).toEqual(['ada@example.org', 'later@example.org']);
    expect(sink.received.map(({ recipients }) => recipients)).toEqual([
      ['ada@example.org'],
      ['later@example.org'],
    ]);
  });

  it('never tries again what is refused for good, and remembers mailboxes that do not exist', async () => {
    sink.refusals.set('nobody@example.org', [550]);
    const refused = await client.send(mailTo('nobody@example.org'), soon);
    expect(refused.body).toMatchObject({ state: 'failed', attempts: { made: 1 } });
    sink.dataRefusals.push(554);
    const spam = await client.send(mailTo('ada@example.org'), soon);
    expect(spam.body).toMatchObject({ state: 'failed', attempts: { made: 1 } });
    sink.refusals.set('gone@large.example', [550]);
    const large = await client.send(mailTo(['gone@LARGE.example', 'ada@example.org']), soon);
    expect(large.body.result).toMatchObject({
      accepted: ['ada@example.org'],
      rejected: [{ address: 'gone@LARGE.example', code: 550 }],
    });
    const partly = await client.send(mailTo(['NOBODY@example.org', 'ada@example.org']));
    expect(partly.body.result).toMatchObject({
      accepted: ['ada@example.org'],
      suppressed: ['NOBODY@example.org'],
    });
    const list = (await client.json('/api/mail/suppressions')) as {
      items: { address: string; reason: string }[];
    };
    expect(list.items).toMatchObject([
      { address: 'gone@large.example', reason: expect.stringContaining('550') },
      { address: 'nobody@example.org', reason: expect.stringContaining('550') },
    ]);
    const path = '/api/mail/suppressions/nobody%40example.org?reason=back';
    expect((await client.ask(path, { method: 'DELETE' })).status).toBe(204);
    expect((await client.send(mailTo('nobody@example.org'))).body.result?.accepted).toEqual([
      'nobody@example.org',
    ]);
  });

  it('dies at once of an attachment that is gone, or too large', async () => {
    const large = await upload('x'.repeat(100_001), 'large.txt');
    for (const path of [`file_${'x'.repeat(22)}`, large]) {
      const { body } = await client.send(
        mailTo('ada@example.org', { attachments: [{ filename: 'a', path }] }),
        soon,
      );
      expect(body).toMatchObject({ state: 'failed', attempts: { made: 1 } });
    }
    expect(sink.received).toEqual([]);
  });

  it('A14: lets nothing into a header, a list or a template that does not belong there', async () => {
    const hostile: readonly (readonly [object, string])[] = [
      [{ to: 'ada@example.org\r\nBcc: evil@example.org' }, '#/data/to'],
      [{ to: 'ada@example.org, evil@example.org' }, '#/data/to'],
      [{ to: 'Ada <ada@example.org>' }, '#/data/to'],
      [{ to: ['ada@example.org', 'x\0@example.org'] }, '#/data/to'],
      [{ to: [] }, '#/data/to'],
      [{ to: Array(51).fill('ada@example.org') }, '#/data/to'],
      [{ cc: ['ada@example.org\nX: y'] }, '#/data/cc'],
      [{ bcc: ['@example.org'] }, '#/data/bcc'],
      [{ replyTo: 'ada@example.org\r\nX-Evil: 1' }, '#/data/replyTo'],
      [{ subject: 'Hello\r\nBcc: evil@example.org' }, '#/data/subject'],
      [{ subject: 'Hello\u2028there' }, '#/data/subject'],
      [{ template: '../../etc/passwd' }, '#/data/template'],
      [{ template: '__proto__' }, '#/data/template'],
      [{ template: 'welcome\0' }, '#/data/template'],
      [{ variables: { message: { toString: 'x' } } }, '#/data/variables'],
      [{ variables: { message: 'x', html: '<b>' } }, '#/data/variables'],
      [{ variables: { message: ['x'] } }, '#/data/variables'],
      [{ variables: { message: 'x'.repeat(5_001) } }, '#/data/variables'],
      [{ template: 'welcome', variables: { name: 'x', url: 'javascript:alert(1)' } }, '#/data/variables'],
      [{ attachments: [{ filename: 'a', path: '/etc/passwd' }] }, '#/data/attachments/0/path'],
      [
        { attachments: [{ filename: 'a\r\nX: y', path: `file_${'x'.repeat(22)}` }] },
        '#/data/attachments/0/filename',
      ],
      [{ attachments: [{ filename: 'a', path: 'http://127.0.0.1/', href: 'x' }] }, '#/data/attachments/0/'],
    ];
    let refused = 0;
    const wrong: unknown[] = [];
    for (const [change, pointer] of hostile) {
      const { status, body } = await client.send({ ...mailTo('ada@example.org'), ...change });
      const isPointed = body.errors?.some((one) => one.pointer.startsWith(pointer)) === true;
      if ((status === 422 || status === 400) && isPointed) refused += 1;
      else wrong.push([change, status, body.errors]);
    }
    // A template is no program for whoever fills it in.
    const code = '{{ 7 | times: 7 }}{% assign x = 1 %}{{ constructor }}<script>alert(1)</script>';
    const { body } = await client.send(mailTo('ada@example.org', { variables: { message: code } }));
    expect(body).toMatchObject({ state: 'completed' });
    const { mail } = sink.received[0]!;
    process.stdout.write(`A14 mails=${hostile.length} refused=${refused} headers=0\n`);
    expect(wrong).toEqual([]);
    expect(mail.html).toContain('{{ 7 | times: 7 }}{% assign x = 1 %}');
    expect(mail.html).not.toContain('<script');
    expect(mail.text).toContain('{{ 7 | times: 7 }}');
  });
});

describe('EMAIL_SEND with a limit of its domain', () => {
  const sink = new SmtpSink();
  let server: TestServer;
  let client: ReturnType<typeof clientOf>;

  beforeAll(async () => {
    await sink.listen();
    const settings = { HOLDFAST_BOOTSTRAP_KEY: ADMIN, SMTP_URL: sink.url, MAIL_DOMAIN_PER_MINUTE: '3' };
    server = await startTestServer(settings);
    client = clientOf(server);
  });
  afterAll(async () => {
    await server.close();
    await sink.close();
  });

  it('sends so many a minute to one domain, and the others wait without an attempt', async () => {
    const sent = await Promise.all(
      Array.from({ length: 5 }, (_, at) => client.send(mailTo(`a${at}@slow.example`), {}, 0)),
    );
    const other = await client.send(mailTo('ada@quick.example'));
    expect(other.body.state).toBe('completed');
    await eventually(async () => {
      const jobs = await Promise.all(sent.map(({ body }) => server.app.get(JobReader).read(body.id)));
      expect(jobs.filter((job) => job?.state === 'completed')).toHaveLength(3);
      const waiting = jobs.filter((job) => job?.state === 'delayed');
      expect(waiting.map((job) => job?.attemptsMade)).toEqual([0, 0]);
    }, 20_000);
    expect(sink.received).toHaveLength(4);
  });
});

describe('EMAIL_SEND without a mail server', () => {
  let server: TestServer;
  let client: ReturnType<typeof clientOf>;

  beforeAll(async () => {
    server = await startTestServer({ HOLDFAST_BOOTSTRAP_KEY: ADMIN });
    client = clientOf(server);
  });
  afterAll(() => server.close());

  it('keeps mails in the outbox, for programs and for people', async () => {
    const { body } = await client.send(
      mailTo('ada@example.org', { subject: '<img src=x onerror=alert(1)>' }),
    );
    expect(body).toMatchObject({ state: 'completed' });
    const { items } = (await client.json('/api/mail/outbox')) as {
      items: { id: string; jobId: string; links: { eml: string; page: string } }[];
    };
    expect(items).toMatchObject([{ jobId: body.id, subject: '<img src=x onerror=alert(1)>' }]);
    const [{ links }] = items as [(typeof items)[0]];
    const eml = await client.ask(links.eml);
    expect(eml.headers.get('content-type')).toBe('message/rfc822');
    expect(await eml.text()).toContain(`Message-ID: ${body.result?.messageId}`);
    const list = await client.ask('/ui/outbox');
    expect(await list.text()).toContain('&lt;img src=x onerror=alert(1)&gt;');
    const page = await (await client.ask(links.page)).text();
    expect(page).toContain('It works');
    expect(page).not.toContain('<img');
    const html = await client.ask(`${links.page}/html`);
    expect(html.headers.get('content-security-policy')).toMatch(/^sandbox; default-src 'none'/);
    expect(await html.text()).toContain('<h1>It works</h1>');
    const stranger = await fetch(`${server.url}/ui/outbox`, {
      headers: { accept: 'text/html' },
      redirect: 'manual',
    });
    expect(stranger.status).toBe(303);
  });

  it('keeps the same mail once', async () => {
    const { body } = await client.send(mailTo('bob@example.org'));
    const { query } = server.app.get(Database);
    const rows = await query.select().from(mailOutbox).where(eq(mailOutbox.jobId, body.id));
    expect(rows).toHaveLength(1);
  });

  it('lists its templates, and shows how a mail would look', async () => {
    const { items } = (await client.json('/api/mail/templates')) as { items: { name: string }[] };
    expect(items.map(({ name }) => name)).toEqual([
      'welcome',
      'security_alert',
      'notification',
      'charter_proposal',
      'test',
    ]);
    for (const { name } of items) {
      const { status, body } = await client.post(`/api/mail/templates/${name}/preview`, {});
      expect([name, status]).toEqual([name, 200]);
      expect(String(body['html'])).toContain('<h1>');
      expect(String(body['text'])).not.toContain('<');
    }
    const bare = await client.post('/api/mail/templates/welcome/preview', { variables: {} });
    expect(bare).toMatchObject({ status: 200, body: { subject: 'Welcome' } });
    const wrong = await client.post('/api/mail/templates/welcome/preview', { variables: { nmae: 'Ada' } });
    expect([wrong.status, wrong.body.errors?.[0]?.detail]).toEqual([
      422,
      '"nmae" is no variable of "welcome": it takes name, url',
    ]);
    expect((await client.post('/api/mail/templates/none/preview', {})).status).toBe(404);
  });
});
