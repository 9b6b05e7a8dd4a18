import type { Readable } from 'node:stream';

/** A tag with the text behind it, or the end of an element. Names are in capitals. */
export interface OfxToken {
  readonly tag: string;
  readonly isEnd: boolean;
  /** Trimmed, with its entities resolved; empty for an element that holds others. */
  readonly text: string;
}

/** A file that is no OFX, or is more than one can be; the message says what to do. */
export class OfxUnreadableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'OfxUnreadableError';
  }
}

const MAX_TOKEN_CHARACTERS = 32_768;
const MAX_TEXT_CHARACTERS = 2_000;
const SNIFFED_BYTES = 1_024;
// As Latin letters in capitals, which is how the beginning is looked at.
const byteOrderMark = Buffer.from('\uFEFF').toString('latin1').toUpperCase();
const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
};

/** Whether the beginning of a file is that of OFX, in either form. */
export function looksLikeOfx(beginning: Uint8Array): boolean {
  const text = beginningOf(beginning);
  if (['OFXHEADER', '<?OFX', '<OFX>'].some((sign) => text.startsWith(sign))) return true;
  return text.startsWith('<?XML') && (text.includes('<?OFX') || text.includes('<OFX>'));
}

/** In capitals, without the mark and the spaces that may stand before everything. */
function beginningOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, SNIFFED_BYTES)).toString('latin1').toUpperCase();
  return text.trimStart().replace(byteOrderMark, '').trimStart();
}

/**
 * Splits OFX into tags and texts, as version 1 (SGML, whose values end with the next tag) and version 2 (XML) have them.
 * No document type, no entity of the file's own and no other file is ever looked at; one tag or text has 32 KiB at most.
 */
export async function* ofxTokens(source: Readable): AsyncGenerator<OfxToken> {
  let rest = '';
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    decoder ??= new TextDecoder(encodingOf(chunk));
    rest += decoder.decode(chunk, { stream: true });
    // What stands behind the last opening bracket may go on in the next piece.
    const end = rest.lastIndexOf('<');
    if (end > 0) {
      yield* tokensIn(rest.slice(0, end));
      rest = rest.slice(end);
    }
    if (rest.length > MAX_TOKEN_CHARACTERS) {
      throw new OfxUnreadableError(
        'A part of the file is longer than any of OFX: it is no OFX, or it is damaged.',
      );
    }
  }
  yield* tokensIn(rest);
}

function* tokensIn(text: string): Generator<OfxToken> {
  for (let at = text.indexOf('<'); at !== -1;) {
    const close = text.indexOf('>', at);
    if (close === -1) return;
    const next = text.indexOf('<', close);
    const name = text.slice(at + 1, close).trim();
    const value = text.slice(close + 1, next === -1 ? text.length : next);
    const tag = /^\/?([A-Za-z][\w.]{0,63})\/?$/.exec(name)?.[1]?.toUpperCase();
    if (tag !== undefined) {
      const isEnd = name.startsWith('/');
      yield { tag, isEnd, text: isEnd ? '' : resolved(value.slice(0, MAX_TEXT_CHARACTERS)) };
    }
    at = next;
  }
}

function resolved(value: string): string {
  const trimmed = value.trim();
  if (!trimmed.includes('&')) return trimmed;
  return trimmed.replaceAll(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w{1,8}));/gi, (whole, decimal, hex, name) => {
    if (typeof name === 'string') return named[name.toLowerCase()] ?? whole;
    const code = typeof decimal === 'string' ? Number(decimal) : parseInt(String(hex), 16);
    const isCharacter = code > 31 && code <= 0x10_ff_ff && (code < 0xd8_00 || code > 0xdf_ff);
    return isCharacter ? String.fromCodePoint(code) : '';
  });
}

/** As the header says it: version 1 is Windows' letters unless it says otherwise, version 2 is UTF-8. */
function encodingOf(beginning: Buffer): string {
  const text = beginningOf(beginning);
  if (!text.startsWith('OFXHEADER:')) return 'utf-8';
  const header = text
    .split('<', 1)[0]!
    .replaceAll(' ', '')
    .split(/[\r\n]/);
  const unicodeLines = ['ENCODING:UTF-8', 'ENCODING:UTF8', 'ENCODING:UNICODE', 'CHARSET:UTF-8'];
  return header.some((line) => unicodeLines.includes(line)) ? 'utf-8' : 'windows-1252';
}
