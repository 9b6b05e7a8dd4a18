import { Readable } from 'node:stream';
import type SmtpPool from 'nodemailer/lib/smtp-pool';
import { MailComposer } from './mail-composer';
import {
  MailFailedError,
  MailRefusedError,
  type MailMessage,
  type MailOutcome,
  type MailTransport,
  type RefusedRecipient,
} from './mail-message';

const CONNECT_MS = 10_000;
// RFC 5321 lets a server think for ten minutes after the last byte; a job has less.
const SILENCE_MS = 60_000;
const MAX_REASON_CHARACTERS = 200;

export interface SmtpSettings {
  /** `smtp://user:password@host:587`, or `smtps://`. */
  readonly url: string;
  readonly from: string;
  readonly connections: number;
  /** Whether a mail goes only over an encrypted connection. */
  readonly requiresTls: boolean;
}

interface SmtpFailure extends Error {
  readonly code?: string;
  readonly responseCode?: number;
  readonly recipient?: string;
  readonly rejectedErrors?: readonly SmtpFailure[];
}

interface OpenPool {
  readonly pool: SmtpPool;
  readonly composer: MailComposer;
}

type PooledMail = Parameters<SmtpPool['send']>[0];

/** Mail over SMTP, by a few connections that stay open. */
export class SmtpTransport implements MailTransport {
  private opened?: Promise<OpenPool>;

  constructor(private readonly settings: SmtpSettings) {}

  async send(message: MailMessage, recipients: readonly string[]): Promise<MailOutcome> {
    try {
      const { pool, composer } = await (this.opened ??= this.open());
      const mail = pooledMail(message, recipients, composer);
      const sent = await new Promise<SmtpPool.SentMessageInfo | undefined>((resolve, reject) => {
        pool.send(mail, (error, info) => (error ? reject(error) : resolve(info)));
      });
      const refused = (sent?.rejectedErrors ?? []).map(refusalOf);
      const isRefused = new Set(refused.map(({ address }) => address));
      return sorted(
        recipients.filter((address) => !isRefused.has(address)),
        refused,
      );
    } catch (error) {
      return outcomeOf(error as SmtpFailure);
    }
  }

  async close(): Promise<void> {
    (await this.opened)?.pool.close();
  }

  /** With the first mail: most processes send none. */
  private async open(): Promise<OpenPool> {
    const { url, from, connections, requiresTls } = this.settings;
    const [{ default: Pool }, composer] = await Promise.all([
      import('nodemailer/lib/smtp-pool'),
      MailComposer.of(from),
    ]);
    const { protocol, hostname, port, username, password } = new URL(url);
    const isSecure = protocol === 'smtps:';
    const pool = new Pool({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (isSecure ? 465 : 587) : Number(port),
      secure: isSecure,
      requireTLS: requiresTls && !isSecure,
      ...(username !== '' && {
        auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
      }),
      maxConnections: connections,
      maxMessages: 1_000,
      connectionTimeout: CONNECT_MS,
      greetingTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      dnsTimeout: CONNECT_MS,
    });
    return { pool, composer };
  }
}

/** What a pool asks of a mail. It is composed by now, because the pool could tell nobody what goes wrong there. */
function pooledMail(message: MailMessage, recipients: readonly string[], composer: MailComposer): PooledMail {
  const bytes = message.attachments.length === 0 ? composer.text(message) : undefined;
  const node = bytes === undefined ? composer.withAttachments(message) : undefined;
  return {
    data: {},
    message: {
      getEnvelope: () => ({ from: composer.senderAddress, to: [...recipients] }),
      messageId: () => message.messageId,
      getHeader: () => message.messageId,
      createReadStream: () => node?.createReadStream() ?? Readable.from(bytes ?? []),
    },
  } as unknown as PooledMail;
}

/** Where every recipient was refused nodemailer throws; that is an outcome all the same. */
function outcomeOf(error: SmtpFailure): MailOutcome {
  const { rejectedErrors = [], responseCode = 0, code = '', message } = error;
  if (rejectedErrors.length > 0) return sorted([], rejectedErrors.map(refusalOf));
  const told = message.slice(0, MAX_REASON_CHARACTERS);
  // The log-in is the operator's, and no fault of the mail.
  if (responseCode >= 500 && (code === 'EMESSAGE' || code === 'EENVELOPE')) {
    throw new MailRefusedError(`The mail server refuses the mail: ${told}`, responseCode);
  }
  throw new MailFailedError(`The mail was not delivered (${code || 'unknown'}): ${told}`, { cause: error });
}

function sorted(accepted: readonly string[], refused: readonly RefusedRecipient[]): MailOutcome {
  return {
    accepted,
    rejected: refused.filter(({ code }) => code >= 500),
    deferred: refused.filter(({ code }) => code < 500),
  };
}

function refusalOf({ recipient = '', responseCode = 0, message }: SmtpFailure): RefusedRecipient {
  return { address: recipient, code: responseCode, reason: message.slice(0, MAX_REASON_CHARACTERS) };
}
