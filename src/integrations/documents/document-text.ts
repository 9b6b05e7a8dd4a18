import { TextDecoder } from 'node:util';

/** A document that cannot be read; the message says why, and quotes nothing of it. */
export class DocumentRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DocumentRefusedError';
  }
}

const MAX_PAGES = 5_000;
const MAX_HTML_CHARACTERS = 16_777_216;
const MAX_HTML_DEPTH = 200;

interface PdfItem {
  readonly str?: string;
  readonly hasEOL?: boolean;
}

/** The text of a PDF, a blank line between its pages. Throws {@link DocumentRefusedError}. */
export async function pdfText(bytes: Buffer, progress: (percent: number) => void): Promise<string> {
  const { getDocumentProxy } = await import('unpdf');
  try {
    const document = await getDocumentProxy(new Uint8Array(bytes), { isEvalSupported: false });
    if (document.numPages > MAX_PAGES) {
      throw new DocumentRefusedError(
        `The PDF has ${document.numPages} pages; at most ${MAX_PAGES} are read.`,
      );
    }
    const pages: string[] = [];
    for (let number = 1; number <= document.numPages; number += 1) {
      const page = await document.getPage(number);
      const { items } = (await page.getTextContent()) as { items: readonly PdfItem[] };
      pages.push(items.map(({ str = '', hasEOL }) => (hasEOL === true ? `${str}\n` : str)).join(''));
      page.cleanup();
      progress(Math.floor((100 * number) / document.numPages));
    }
    return pages.join('\n\n');
  } catch (error) {
    if (error instanceof DocumentRefusedError) throw error;
    const isLocked = error instanceof Error && error.name === 'PasswordException';
    throw new DocumentRefusedError(
      isLocked ? 'The PDF is protected by a password.' : 'The PDF is damaged, or is no PDF.',
    );
  }
}

/** The text of a DOCX whose archive has been checked. Throws {@link DocumentRefusedError}. */
export async function docxText(bytes: Buffer): Promise<string> {
  const { default: mammoth } = await import('mammoth');
  try {
    return (await mammoth.extractRawText({ buffer: bytes })).value;
  } catch {
    throw new DocumentRefusedError('The document is damaged, or is no DOCX.');
  }
}

/** The text of a web page, without its links and images. */
export async function htmlDocumentText(bytes: Buffer): Promise<string> {
  const { htmlToText } = await import('html-to-text');
  return htmlToText(plainText(bytes), {
    wordwrap: false,
    limits: { maxInputLength: MAX_HTML_CHARACTERS, maxDepth: MAX_HTML_DEPTH },
    selectors: [
      { selector: 'a', options: { ignoreHref: true } },
      { selector: 'img', format: 'skip' },
      { selector: 'script', format: 'skip' },
      { selector: 'style', format: 'skip' },
    ],
  });
}

/** A text in UTF-8 or UTF-16, as its first bytes say, else in Windows-1252. Throws {@link DocumentRefusedError}. */
export function plainText(bytes: Buffer): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  if (bytes.includes(0)) throw new DocumentRefusedError('The file holds bytes that are in no text.');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
