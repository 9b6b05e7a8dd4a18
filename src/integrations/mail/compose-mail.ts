import type { SendMailOptions } from 'nodemailer';
import type { MailMessage } from './mail-message';

// Attachments come as streams of ours; a path or an address in their place would be read by nodemailer itself.
export const noFetching = { disableFileAccess: true, disableUrlAccess: true } as const;

/** What nodemailer makes a mail of. Blind recipients stand in the envelope only. */
export function mailOptions(
  message: MailMessage,
  from: string,
  recipients: readonly string[],
): SendMailOptions {
  const { messageId, to, cc, replyTo, subject, html, text, attachments } = message;
  return {
    from,
    to: [...to],
    cc: [...cc],
    ...(replyTo !== undefined && { replyTo }),
    envelope: { from, to: [...recipients] },
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
    ...noFetching,
  };
}

/** The mail as it goes over the wire. */
export async function composedMail(
  message: MailMessage,
  from: string,
  recipients: readonly string[],
): Promise<Buffer> {
  const { createTransport } = await import('nodemailer');
  const composer = createTransport({
    streamTransport: true,
    buffer: true,
    newline: 'windows',
    ...noFetching,
  });
  const { message: composed } = await composer.sendMail(mailOptions(message, from, recipients));
  return composed as Buffer;
}
