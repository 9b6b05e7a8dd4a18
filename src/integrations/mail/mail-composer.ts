import { randomUUID } from 'node:crypto';
import type NodemailerComposer from 'nodemailer/lib/mail-composer';
import type MimeNode from 'nodemailer/lib/mime-node';
import type * as QuotedPrintable from 'nodemailer/lib/qp';
import type { MailMessage } from './mail-message';
import { mailPart } from './mail-part';

const MAX_HEADER_CHARACTERS = 76;

interface Tools {
  readonly Composer: typeof NodemailerComposer;
  readonly quotedPrintable: typeof QuotedPrintable;
  readonly foldLines: (line: string, max: number) => string;
  /** Of an empty mail of this sender, for what is no plain ASCII in a header. */
  readonly node: MimeNode;
}

/**
 * Makes mails of one sender. nodemailer takes one apart into a dozen streams, which costs more than sending it does; a
 * mail without attachments is written in one go, with the same headers and parts.
 */
export class MailComposer {
  private readonly sender: string;
  /** The address that mails come from on the wire. */
  readonly senderAddress: string;

  private constructor(
    private readonly from: string,
    private readonly tools: Tools,
  ) {
    this.sender = tools.node.encodeHeaderValue('From', from);
    this.senderAddress = tools.node.getEnvelope().from || '';
  }

  /** Loads what it needs: most processes send no mail. */
  static async of(from: string): Promise<MailComposer> {
    const [{ default: Composer }, quotedPrintable, { foldLines }] = await Promise.all([
      import('nodemailer/lib/mail-composer'),
      import('nodemailer/lib/qp'),
      import('nodemailer/lib/mime-funcs'),
    ]);
    const node = new Composer({ from }).compile();
    return new MailComposer(from, { Composer, quotedPrintable, foldLines, node });
  }

  /** The mail as it goes over the wire, CRLF at the end of each line. Blind recipients stand in no header. */
  async bytes(message: MailMessage): Promise<Buffer> {
    return message.attachments.length === 0 ? this.text(message) : this.withAttachments(message).build();
  }

  /** As {@link bytes}, of a mail without attachments. */
  text({ messageId, to, cc, replyTo, subject, text, html }: MailMessage): Buffer {
    const { quotedPrintable } = this.tools;
    // Nobody who fills in a template can know where its part ends.
    const boundary = `--_hf-${randomUUID()}`;
    return Buffer.from(
      [
        'Auto-Submitted: auto-generated',
        this.header('From', this.sender),
        this.addressHeader('To', to),
        ...(cc.length === 0 ? [] : [this.addressHeader('Cc', cc)]),
        ...(replyTo === undefined ? [] : [this.addressHeader('Reply-To', [replyTo])]),
        this.header('Subject', isPlainText(subject) ? subject : this.encoded('Subject', subject)),
        this.header('Message-ID', messageId),
        `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
        'MIME-Version: 1.0',
        `Content-Type: multipart/alternative;\r\n boundary="${boundary}"`,
        '',
        `--${boundary}`,
        mailPart('text/plain', text, quotedPrintable),
        `--${boundary}`,
        mailPart('text/html', html, quotedPrintable),
        `--${boundary}--`,
        '',
      ].join('\r\n'),
    );
  }

  /** Attachments are streams of ours; a path or an address in their place would be read by nodemailer itself. */
  withAttachments(message: MailMessage): MimeNode {
    const { messageId, to, cc, replyTo, subject, html, text, attachments } = message;
    return new this.tools.Composer({
      from: this.from,
      to: [...to],
      cc: [...cc],
      ...(replyTo !== undefined && { replyTo }),
      messageId,
      subject,
      html,
      text,
      headers: { 'Auto-Submitted': 'auto-generated' },
      attachments: attachments.map(({ filename, contentType, open }) => ({
        filename,
        contentType,
        content: open(),
      })),
      newline: 'windows',
      disableFileAccess: true,
      disableUrlAccess: true,
    }).compile();
  }

  private addressHeader(name: string, addresses: readonly string[]): string {
    const value = addresses.every(isPlainAddress) ? addresses.join(', ') : this.encoded(name, [...addresses]);
    return this.header(name, value);
  }

  private encoded(name: string, value: string | string[]): string {
    return this.tools.node.encodeHeaderValue(name, value);
  }

  private header(name: string, value: string): string {
    const line = `${name}: ${value}`;
    return line.length <= MAX_HEADER_CHARACTERS ? line : this.tools.foldLines(line, MAX_HEADER_CHARACTERS);
  }
}

// The others are quoted, or their domain is written another way.
function isPlainAddress(address: string): boolean {
  return /^[\w+-]+(?:\.[\w+-]+)*@[a-z0-9.-]+$/.test(address);
}

function isPlainText(text: string): boolean {
  return /^[\x20!\x23-\x7e]*$/.test(text) && !text.includes('=?');
}
