import * as fc from 'fast-check';
import { simpleParser, type ParsedMail } from 'mailparser';
import { Readable } from 'node:stream';
import { MailComposer } from './mail-composer';
import type { MailMessage } from './mail-message';

const letter: MailMessage = {
  messageId: '<job.0@holdfast.example>',
  to: ['ada@example.org'],
  cc: [],
  subject: 'Hello',
  html: '<p>Hello</p>\n',
  text: 'Hello',
  attachments: [],
};

const character = fc.constantFrom(
  'a',
  'Z',
  ' ',
  '\t',
  '\n',
  '\r',
  '\r\n',
  '=',
  '.',
  '\n.\n',
  '-',
  '--',
  '\0',
  '\x7f',
  '<',
  '&',
  ':',
  '"',
  'ü',
  '„',
  '中文',
  '🙂',
  '\ud800',
  '\u2028',
  '=?UTF-8?Q?a?=',
  'long '.repeat(20),
  'x'.repeat(80),
);
const texts = fc.array(character, { maxLength: 60 }).map((parts) => parts.join(''));
const subjects = texts.map((text) => `s${text.replace(/[\p{Cc}\u2028]/gu, '')}`.slice(0, 300));
const addresses = fc.constantFrom(
  'ada@example.org',
  'Ada@Example.ORG',
  'a.b+c_d@x-y.example',
  "o'neill@example.org",
  '"a@b"@example.org',
  'a@[192.0.2.1]',
  'x@localhost',
  `${'long'.repeat(15)}@example.org`,
  'a..b@example.org',
);
const messages = fc.record({
  messageId: fc.constantFrom('<job.0@holdfast.example>', `<${'j'.repeat(90)}@holdfast.example>`),
  to: fc.array(addresses, { minLength: 1, maxLength: 12 }),
  cc: fc.array(addresses, { maxLength: 3 }),
  replyTo: fc.option(addresses, { nil: undefined }),
  subject: subjects,
  html: texts.map((text) => `<p>${text}</p>`),
  text: texts.map((text) => `t${text}`),
  attachments: fc.constant([]),
});

/** What somebody who gets the mail sees of it. */
function seen({ from, to, cc, replyTo, subject, messageId, html, text, headers, attachments }: ParsedMail) {
  const lines = (content: string | false | undefined) =>
    String(content)
      .replace(/[\r\n]+/g, '\n')
      .trimEnd();
  return {
    addresses: [from, to, cc, replyTo].map((one) => [one ?? []].flat().flatMap(({ value }) => value)),
    subject,
    messageId,
    html: lines(html),
    text: lines(text),
    automatic: headers.get('auto-submitted'),
    attachments: attachments.map(({ filename, contentType, content }) => [
      filename,
      contentType,
      String(content),
    ]),
  };
}

describe('a mail that is composed in one go', () => {
  let composer: MailComposer;
  beforeAll(async () => {
    composer = await MailComposer.of('Hold "fast" ü <mail@holdfast.example>');
  });

  it('is read as the one that nodemailer makes of the same message', async () => {
    await fc.assert(
      fc.asyncProperty(messages, async (message) => {
        const quick = composer.text(message);
        const slow = await composer.withAttachments(message).build();
        expect(seen(await simpleParser(quick))).toEqual(seen(await simpleParser(slow)));
      }),
      { numRuns: 300 },
    );
  });

  it('has no lone line break, no line that a server may refuse and nothing but ASCII', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const mail = composer.text(message).toString('latin1');
        expect(mail).not.toMatch(/\r(?!\n)|(?<!\r)\n|[^\t\r\n\x20-\x7f]/);
        expect(Math.max(...mail.split('\r\n').map((line) => line.length))).toBeLessThan(999);
      }),
      { numRuns: 300 },
    );
  });

  it('leaves a mail of short lines as it is, which anybody can read', () => {
    const mail = composer.text({ ...letter, html: '<p title="a">\n.\n</p>\n' }).toString();
    expect(mail).toContain('Content-Transfer-Encoding: 7bit\r\n\r\n<p title="a">\r\n.\r\n</p>\r\n\r\n--');
  });

  it('gives nobody who fills in a template a part of his own', () => {
    const boundaries = [1, 2].map(() => /boundary="(.*)"/.exec(composer.text(letter).toString())?.[1]);
    expect(new Set(boundaries).size).toBe(2);
    expect(boundaries[0]).toMatch(/^--_hf-[0-9a-f-]{36}$/);
  });

  it('names the sender as an address on the wire', () => {
    expect(composer.senderAddress).toBe('mail@holdfast.example');
  });

  it('takes attachments along through nodemailer', async () => {
    const open = () => Readable.from(Buffer.from('the bill'));
    const bill = { filename: 'Rechnung ü.txt', contentType: 'text/plain', bytes: 8, open };
    const mail = await simpleParser(await composer.bytes({ ...letter, attachments: [bill] }));
    expect(seen(mail)).toMatchObject({
      subject: 'Hello',
      text: 'Hello',
      attachments: [['Rechnung ü.txt', 'text/plain', 'the bill']],
    });
  });
});
