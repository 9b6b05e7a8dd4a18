import type * as QuotedPrintable from 'nodemailer/lib/qp';

const MAX_LINE_CHARACTERS = 76;

/** One text of a mail as a part of it, with its headers; every line ends with CRLF, whatever it ended with. */
export function mailPart(
  type: 'text/plain' | 'text/html',
  text: string,
  { encode, wrap }: Pick<typeof QuotedPrintable, 'encode' | 'wrap'>,
): string {
  const head = (encoding: string) =>
    `Content-Type: ${type}; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`;
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.every(isPlain)) return head('7bit') + lines.join('\r\n');
  if (isMostlyForeign(text)) {
    const base64 = Buffer.from(lines.join('\r\n')).toString('base64');
    return head('base64') + (base64.match(/.{1,76}/g) ?? []).join('\r\n');
  }
  // Most lines need nothing; the others cost a hundred times as much.
  const quoted = lines.map((line) =>
    isPlain(line) && !line.includes('=') && !/[ \t]$/.test(line) ? line : wrap(encode(line)),
  );
  return head('quoted-printable') + quoted.join('\r\n');
}

function isPlain(line: string): boolean {
  return line.length <= MAX_LINE_CHARACTERS && /^[\t\x20-\x7e]*$/.test(line);
}

/** Whether so many of the characters are no Latin letters that writing them as =E2=82=AC each would be longer. */
function isMostlyForeign(text: string): boolean {
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
  const foreign = count(/[^\t\r\n\x20-\x7e]/g);
  return foreign > 0 && foreign >= count(/[A-Za-z]/g);
}
