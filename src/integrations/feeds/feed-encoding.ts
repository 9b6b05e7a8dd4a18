import { isAscii, isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { DocumentBreak } from './document-break';

export interface EncodingHints {
  readonly contentType?: string;
  readonly maxBytes: number;
}

/** A piece of the document as text, and the WHATWG name of the encoding that it was read by. */
export interface TextPiece {
  readonly text: string;
  readonly encoding: string;
}

const PIECE_BYTES = 32 * 1024;
// Long enough for a byte order mark and an XML declaration with all that may stand in it.
const HEAD_BYTES = 512;
const marks: readonly (readonly [hex: string, encoding: string])[] = [
  ['efbbbf', 'utf-8'],
  ['fffe', 'utf-16le'],
  ['feff', 'utf-16be'],
  // `<` and `{` of a document that left its mark out.
  ['3c00', 'utf-16le'],
  ['7b00', 'utf-16le'],
  ['003c', 'utf-16be'],
  ['007b', 'utf-16be'],
];

/**
 * Decodes a document piece by piece. A byte order mark outranks the Content-Type, that the XML declaration; without any it
 * is UTF-8. A label that the first letters beyond ASCII disprove is not believed: what is no UTF-8 is windows-1252, and
 * what is UTF-8 is not windows-1252. Throws {@link DocumentBreak} beyond `maxBytes`.
 */
export async function* decodedText(
  bytes: AsyncIterable<Uint8Array>,
  { contentType, maxBytes }: EncodingHints,
): AsyncGenerator<TextPiece> {
  let letters: Letters | undefined;
  let read = 0;
  for await (const piece of pieces(bytes)) {
    read += piece.length;
    if (read > maxBytes) {
      throw new DocumentBreak('document_too_large', `The document is larger than ${maxBytes} bytes.`);
    }
    letters ??= new Letters(declaredEncodings(piece, contentType));
    const text = letters.decode(piece);
    if (text !== '') yield { text, encoding: letters.encoding };
  }
  const rest = letters?.end() ?? '';
  if (rest !== '') yield { text: rest, encoding: letters!.encoding };
}

/** The same bytes in pieces of one size, so that what is made of them does not depend on how they arrive. */
async function* pieces(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of bytes) {
    let view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    while (heldBytes + view.length >= PIECE_BYTES) {
      const missing = PIECE_BYTES - heldBytes;
      const piece = view.subarray(0, missing);
      yield held.length === 0 ? piece : Buffer.concat([...held, piece]);
      view = view.subarray(missing);
      held = [];
      heldBytes = 0;
    }
    if (view.length === 0) continue;
    held.push(view);
    heldBytes += view.length;
    // A source that sends byte by byte would cost an object for each.
    if (held.length > 256) held = [Buffer.concat(held)];
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

interface Declared {
  /** As sure as it gets: a byte order mark, or the zeros of UTF-16. */
  readonly certain?: string;
  /** What the labels say, the stronger one first. */
  readonly labels: readonly string[];
}

function declaredEncodings(head: Buffer, contentType: string | undefined): Declared {
  const start = head.subarray(0, 4).toString('hex');
  const certain = marks.find(([hex]) => start.startsWith(hex))?.[1];
  const text = head.toString('latin1', 0, HEAD_BYTES);
  const label = /;\s*charset\s*=\s*["']?([\w.:-]{1,40})/i.exec((contentType ?? '').slice(0, 500))?.[1];
  const declaration = /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]{1,40})/.exec(text)?.[1];
  const labels = [label, declaration]
    .map((name) => (name === undefined ? undefined : knownEncoding(name)))
    // The declaration could be read, so that the document is not in UTF-16, whatever it says.
    .filter((name) => name !== undefined && !name.startsWith('utf-16')) as string[];
  return { labels, ...(certain !== undefined && { certain }) };
}

function knownEncoding(label: string): string | undefined {
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return undefined;
  }
}

/** Decodes; decides on the encoding when the first letter beyond ASCII comes, unless it is certain before. */
class Letters {
  encoding: string;
  private decoder: TextDecoder | undefined;
  private held = Buffer.alloc(0);

  constructor(private readonly declared: Declared) {
    this.encoding = declared.certain ?? declared.labels[0] ?? 'utf-8';
    const isDoubtful = declared.certain === undefined && disprovable.has(this.encoding);
    if (!isDoubtful) this.decoder = new TextDecoder(this.encoding);
  }

  decode(piece: Buffer): string {
    if (this.decoder !== undefined) return this.decoder.decode(piece, { stream: true });
    if (this.held.length === 0 && isAscii(piece)) return piece.toString('latin1');
    const bytes = this.held.length === 0 ? piece : Buffer.concat([this.held, piece]);
    const cut = bytes.length - unfinishedBytes(bytes);
    const sample = bytes.subarray(0, cut);
    if (isAscii(sample)) {
      this.held = Buffer.from(bytes.subarray(cut));
      return sample.toString('latin1');
    }
    this.held = Buffer.alloc(0);
    return this.decide(sample).decode(bytes, { stream: true });
  }

  end(): string {
    if (this.decoder !== undefined) return this.decoder.decode();
    return this.held.length === 0 ? '' : this.decide(this.held).decode(this.held);
  }

  private decide(sample: Buffer): TextDecoder {
    const labels = this.declared.labels.filter((name) => name !== 'utf-8');
    this.encoding = looksLikeUtf8(sample) ? 'utf-8' : (labels[0] ?? 'windows-1252');
    this.decoder = new TextDecoder(this.encoding);
    return this.decoder;
  }
}

// Letters of these that happen to be well-formed UTF-8 would be nonsense such as "Ã©".
const disprovable = new Set(['utf-8', 'windows-1252', 'iso-8859-15', 'iso-8859-2', 'windows-1250']);

function looksLikeUtf8(sample: Buffer): boolean {
  if (isUtf8(sample)) return true;
  const text = sample.toString('utf8');
  let damaged = 0;
  let good = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0xfffd) damaged++;
    else if (code > 0x7f) good++;
  }
  return good > damaged;
}

/** How many bytes at the end are the begin of a UTF-8 character that goes on in the next piece. */
function unfinishedBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}
