// A reference: `&#8217;`, `&#x2019;`, `&rsquo;`. What else begins with & is a character of its own.
const stray = /&(?!(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{0,31});)/gi;
const REFERENCE_CHARACTERS = 34;
const quoted = [
  ['<![CDATA[', ']]>'],
  ['<!--', '-->'],
] as const;

/**
 * Writes `&amp;` for each & of a document in pieces that is no reference, the commonest fault of feeds: an XML parser takes
 * everything up to the next semicolon for its name. What is quoted (CDATA, comments) stays as it is.
 */
export class StrayAmpersands {
  private held = '';
  /** What ends the quotation that the document is in. */
  private end: string | undefined;

  /** The text without those of its last characters that need the next piece to be understood. */
  mend(piece: string, isLast = false): string {
    const text = this.held + piece;
    let mended = '';
    let at = 0;
    while (at < text.length) {
      const [part, next] =
        this.end === undefined ? this.unquoted(text, at) : this.quotation(text, at, this.end);
      mended += part;
      if (next === at) break;
      at = next;
    }
    const rest = text.slice(at);
    this.held = isLast ? '' : rest;
    if (!isLast) return mended;
    return mended + (this.end === undefined ? escaped(rest) : rest);
  }

  private quotation(text: string, at: number, end: string): [part: string, next: number] {
    const found = text.indexOf(end, at);
    const next = found < 0 ? Math.max(at, text.length - end.length + 1) : found + end.length;
    if (found >= 0) this.end = undefined;
    return [text.slice(at, next), next];
  }

  private unquoted(text: string, at: number): [part: string, next: number] {
    const found = text.indexOf('<!', at);
    if (found > at) return [escaped(text.slice(at, found)), found];
    if (found === at) return this.quotationBegin(text, at);
    const next = unfinishedFrom(text, at);
    return [escaped(text.slice(at, next)), next];
  }

  private quotationBegin(text: string, at: number): [part: string, next: number] {
    for (const [begin, end] of quoted) {
      if (!text.startsWith(begin, at)) continue;
      this.end = end;
      return [begin, at + begin.length];
    }
    // Too short to tell, unless nothing follows.
    const isUnfinished = text.length - at < quoted[0][0].length;
    return isUnfinished ? ['', at] : ['<!', at + 2];
  }
}

/** Where an & or a < near the end stands that the next piece may go on with. */
function unfinishedFrom(text: string, at: number): number {
  if (text.endsWith('<')) return Math.max(at, text.length - 1);
  const ampersand = text.lastIndexOf('&');
  const isUnfinished =
    ampersand >= at && text.length - ampersand <= REFERENCE_CHARACTERS && !text.includes(';', ampersand);
  return isUnfinished ? ampersand : text.length;
}

function escaped(text: string): string {
  return text.includes('&') ? text.replace(stray, '&amp;') : text;
}
