import type { Readable } from 'node:stream';

export interface MailAttachment {
  readonly filename: string;
  readonly contentType: string;
  readonly bytes: number;
  /** Begins anew each time. */
  readonly open: () => Readable;
}

/** A mail as it is sent; every address has been checked. */
export interface MailMessage {
  /** With its angle brackets; the same for every try of one mail. */
  readonly messageId: string;
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly replyTo?: string;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  readonly attachments: readonly MailAttachment[];
}

export interface RefusedRecipient {
  readonly address: string;
  /** As the server answered: 550. */
  readonly code: number;
  readonly reason: string;
}

/** What became of each recipient. */
export interface MailOutcome {
  readonly accepted: readonly string[];
  /** For good: no other try can help. */
  readonly rejected: readonly RefusedRecipient[];
  /** For now. */
  readonly deferred: readonly RefusedRecipient[];
}

/** One way to send mail. */
export interface MailTransport {
  /** Throws {@link MailRefusedError}, {@link MailFailedError} or the error of an attachment. */
  send(message: MailMessage, recipients: readonly string[]): Promise<MailOutcome>;
}

/** The server refuses this mail for good. */
export class MailRefusedError extends Error {
  constructor(
    message: string,
    readonly code: number,
  ) {
    super(message);
    this.name = 'MailRefusedError';
  }
}

/** The mail was not taken, or nobody knows whether it was; the same Message-ID makes a second one recognisable. */
export class MailFailedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MailFailedError';
  }
}
