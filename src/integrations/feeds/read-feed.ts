import { setImmediate } from 'node:timers/promises';
import { DocumentBreak } from './document-break';
import { decodedText, type TextPiece } from './feed-encoding';
import type { FeedEvent } from './feed-event';
import { feedLimits, type FeedLimits } from './feed-limits';
import { JsonFeed } from './json-feed';
import type { JsonMappingDto } from './json-mapping.dto';
import { XmlFeed } from './xml-feed';

export interface FeedHints {
  /** The whole header, parameters included. */
  readonly contentType?: string;
  /** Where the document came from: relative links start there. */
  readonly url?: string;
  /** Where a JSON document that is no JSON Feed keeps its items; without it only feeds are read. */
  readonly mapping?: JsonMappingDto;
  readonly limits?: Partial<FeedLimits>;
  /** Ends the reading, which then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** JSON pointer to what `end` gives as `next`; a JSON Feed's `next_url` by default. */
  readonly nextPath?: string;
  /** Positions begin after this one; 0 by default. */
  readonly itemsBefore?: number;
}

// A worker has to renew the locks of its jobs meanwhile.
const MAX_BUSY_MS = 10;
// Where a server has written a warning of its own before the feed.
const MAX_JUNK_CHARACTERS = 4_096;

/**
 * Reads a feed as it arrives: no more of it is in memory than one item and one chunk. Throws only what `bytes` throws
 * and the signal's reason; whatever is wrong with the document is an event.
 */
export async function* readFeed(
  bytes: AsyncIterable<Uint8Array>,
  hints: FeedHints = {},
): AsyncGenerator<FeedEvent, void> {
  const limits = { ...feedLimits, ...hints.limits };
  const { contentType, signal } = hints;
  let document: XmlFeed | JsonFeed | undefined;
  let busySince = performance.now();
  try {
    const text = decodedText(bytes, {
      maxBytes: limits.maxBytes,
      ...(contentType !== undefined && { contentType }),
    });
    for await (const piece of text) {
      signal?.throwIfAborted();
      const part = document === undefined ? beginOf(piece.text) : piece.text;
      if (part === '') continue;
      document ??= documentOf(part, piece, hints, limits);
      document.write(part);
      yield* document.findings.take();
      if (document.isOver) break;
      if (performance.now() - busySince > MAX_BUSY_MS) {
        await setImmediate();
        busySince = performance.now();
      }
    }
    signal?.throwIfAborted();
    if (document === undefined) throw new DocumentBreak('document_empty', 'The document is empty.');
    document.end();
  } catch (error) {
    if (!(error instanceof DocumentBreak)) throw error;
    if (document !== undefined) yield* document.findings.take();
    if (document?.isOver !== true) {
      yield { kind: 'broken', reason: error.reason, detail: error.detail };
      return;
    }
  }
  yield* document.findings.take();
  const { findings, next } = document;
  const { items, rejected } = findings;
  yield { kind: 'end', items, rejected, next };
}

/** The document without what stands before its first sign: white space, NUL, a warning of the server. */
function beginOf(text: string): string {
  // oxlint-disable-next-line no-control-regex
  const at = text.search(/[^\s\u0000-\u001f\ufeff]/);
  if (at < 0) return '';
  const begin = text.slice(at);
  if (/^[<{[]/.test(begin)) return begin;
  const behindJunk = begin.slice(0, MAX_JUNK_CHARACTERS).search(/<(?:\?xml|rss|feed|rdf:RDF)[\s>]/);
  return behindJunk < 0 ? begin : begin.slice(behindJunk);
}

function documentOf(
  text: string,
  { encoding }: TextPiece,
  hints: FeedHints,
  limits: FeedLimits,
): XmlFeed | JsonFeed {
  const { url, mapping, nextPath, itemsBefore = 0 } = hints;
  const options = { limits, url, encoding, itemsBefore };
  if (/^[{[]/.test(text)) return new JsonFeed({ ...options, mapping, nextPath });
  if (!text.startsWith('<'))
    throw new DocumentBreak('document_not_a_feed', 'The document is neither XML nor JSON.');
  // Told here as well: XML has no `<!doctype` in small letters, which most pages begin with.
  if (/^<(?:!doctype\s+)?html/i.test(text))
    throw new DocumentBreak('document_is_html', 'The document is a web page, not a feed.');
  if (mapping === undefined) return new XmlFeed(options);
  throw new DocumentBreak('document_not_a_feed', 'The document is not JSON, as the mapping expects.');
}
