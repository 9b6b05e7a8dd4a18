import { decodeHTMLStrict } from 'entities';
import { SaxesParser, type SaxesTagNS } from 'saxes';
import { oneLine } from './clean-text';
import { DocumentBreak } from './document-break';
import type { FeedEvent, FeedFormat, FeedInfo } from './feed-event';
import type { FeedLimits } from './feed-limits';
import { finishItem } from './finish-item';
import { StrayAmpersands } from './stray-ampersands';
import { baseAddress, webAddress } from './web-address';
import { textOf, type XmlElement } from './xml-element';
import { draftOf, plainText } from './xml-item';
import { vocabularyOf } from './xml-vocabulary';

export interface DocumentOptions {
  readonly limits: FeedLimits;
  /** Where the document came from. */
  readonly url: string | undefined;
  readonly encoding: string;
  /** Positions begin after this one. */
  readonly itemsBefore: number;
}

// What a parser gathers between two of its events, by saxes 6.0.0; the specs see to it that the names stay right.
interface Gathered {
  text: string;
  name: string;
  entity: string;
  piTarget: string;
  attribList: unknown[];
}

interface Part {
  readonly isItem: boolean;
  readonly startsAt: number;
  readonly depth: number;
  readonly stack: XmlElement[];
  elements: number;
  rejected?: { reason: 'item_too_large' | 'item_too_deep'; detail: string };
}

// More than a piece of text has, so that it takes several to get there.
const MAX_NAME_CHARACTERS = 65_536;
// Of elements, which cost more memory than their characters say.
const MAX_ELEMENTS = 20_000;
// Each name is looked up through all elements around it.
const MAX_OPEN_ELEMENTS = 300;

/** Reads RSS, RDF and Atom from text that comes in pieces. Throws {@link DocumentBreak}. */
export class XmlFeed {
  /** What was found since the caller last took it. */
  found: FeedEvent[] = [];
  items = 0;
  rejected = 0;
  next: string | null = null;
  /** The root element is closed; whatever follows is of no interest. */
  isOver = false;
  private readonly parser = new SaxesParser({ xmlns: true, position: true });
  private readonly ampersands = new StrayAmpersands();
  private readonly vocabulary = new Map<string, string>();
  private readonly info: { -readonly [Key in keyof FeedInfo]: FeedInfo[Key] };
  private isAnnounced = false;
  private depth = 0;
  /** How deep the elements lie whose children are items and the feed's own words: the root, a channel in it. */
  private containers: number[] = [];
  private part: Part | undefined;
  private base: string | undefined;

  constructor(private readonly options: DocumentOptions) {
    this.info = {
      format: 'rss-2.0',
      title: null,
      description: null,
      language: null,
      link: null,
      encoding: options.encoding,
    };
    const { parser } = this;
    parser.ENTITIES = entities;
    parser.on('error', (error) => this.judge(error));
    parser.on('doctype', judgeDoctype);
    parser.on('opentag', (tag) => this.open(tag));
    parser.on('closetag', () => this.close());
    parser.on('text', (text) => this.text(text));
    parser.on('cdata', (text) => this.text(text));
  }

  write(text: string): void {
    this.parser.write(this.ampersands.mend(text));
    this.boundGathered();
  }

  end(): void {
    if (!this.isOver) this.parser.write(this.ampersands.mend('', true)).close();
    if (!this.isOver) throw new DocumentBreak('document_truncated', 'The document ends in the middle.');
    this.announce();
  }

  private judge(error: Error): void {
    if (this.isOver) return;
    const { message } = error;
    if (message.includes('document must contain a root element')) {
      throw new DocumentBreak('document_not_a_feed', 'The document has no element.');
    }
    if (/unclosed tag|unexpected end/.test(message)) {
      throw new DocumentBreak('document_truncated', `The document ends in the middle (${place(message)}).`);
    }
    if (fatal.some((words) => message.includes(words))) {
      throw new DocumentBreak('xml_malformed', `The document is no well-formed XML: ${cleanReason(message)}`);
    }
  }

  private open(tag: SaxesTagNS): void {
    this.depth++;
    if (this.isOver) return;
    if (this.depth > MAX_OPEN_ELEMENTS) {
      throw new DocumentBreak('too_deep', `Elements lie more than ${MAX_OPEN_ELEMENTS} deep in each other.`);
    }
    const attributes = this.attributesOf(tag);
    const name = `${this.vocabularyOf(tag.uri)}:${tag.local.toLowerCase()}`;
    if (this.part !== undefined)
      return this.openInPart(this.part, { name, localName: tag.local, attributes });
    if (this.depth === 1) return this.openRoot(name, tag, attributes);
    if (this.containers.at(-1) !== this.depth - 1) return;
    if (name === 'rss:channel') {
      if (this.info.format === 'rss-1.0' && tag.uri.includes('/simple/0.9')) this.info.format = 'rss-0.90';
      return this.openChannel(attributes);
    }
    const isItem = name === 'rss:item' || name === 'atom:entry';
    const element: XmlElement = { name, localName: tag.local, attributes, children: [] };
    const startsAt = this.parser.position;
    this.part = { isItem, startsAt, depth: this.depth, stack: [element], elements: 1 };
  }

  private openRoot(name: string, tag: SaxesTagNS, attributes: Record<string, string>): void {
    const local = tag.local.toLowerCase();
    if (local === 'html')
      throw new DocumentBreak('document_is_html', 'The document is a web page, not a feed.');
    const format = formatOf(name, tag, attributes);
    if (format === undefined) {
      const root = JSON.stringify(tag.local.slice(0, 50));
      throw new DocumentBreak(
        'document_not_a_feed',
        `The document's root ${root} is none of rss, RDF and feed.`,
      );
    }
    this.info.format = format;
    this.openChannel(attributes);
  }

  private openChannel(attributes: Record<string, string>): void {
    this.containers.push(this.depth);
    this.base = attributes['xml:base'] ?? this.base;
    this.info.language ??= oneLine(attributes['xml:lang'], 50);
  }

  private openInPart(part: Part, { name, localName, attributes }: Omit<XmlElement, 'children'>): void {
    if (part.rejected !== undefined) return;
    if (this.depth - part.depth >= this.options.limits.maxDepth) {
      const detail = `Its elements lie more than ${this.options.limits.maxDepth} deep in each other.`;
      return this.reject(part, 'item_too_deep', detail);
    }
    if (++part.elements > MAX_ELEMENTS) {
      return this.reject(part, 'item_too_large', `It has more than ${MAX_ELEMENTS} elements.`);
    }
    const element: XmlElement = { name, localName, attributes, children: [] };
    part.stack.at(-1)!.children.push(element);
    part.stack.push(element);
    this.boundPart(part);
  }

  private text(text: string): void {
    const { part } = this;
    if (part === undefined || part.rejected !== undefined) return;
    this.boundPart(part);
    if (part.stack.length > 0) part.stack.at(-1)!.children.push(text);
  }

  private close(): void {
    const depth = this.depth--;
    if (this.isOver) return;
    const { part } = this;
    if (part === undefined) {
      if (this.containers.at(-1) === depth) this.containers.pop();
      this.isOver = depth === 1;
    } else if (depth === part.depth) {
      this.boundPart(part);
      this.part = undefined;
      this.finish(part);
    } else if (part.rejected === undefined) {
      part.stack.pop();
    }
  }

  private finish(part: Part): void {
    if (!part.isItem) {
      if (part.rejected === undefined) this.learn(part.stack[0]!);
      return;
    }
    this.announce();
    const { limits, url, itemsBefore } = this.options;
    if (this.items + this.rejected >= limits.maxItems) {
      throw new DocumentBreak('too_many_items', `The document has more than ${limits.maxItems} items.`);
    }
    const position = itemsBefore + this.items + this.rejected + 1;
    if (part.rejected !== undefined) return this.leaveOut({ position, ...part.rejected });
    const item = finishItem(draftOf(part.stack[0]!, this.base), position, url);
    if (item === undefined)
      return this.leaveOut({ position, reason: 'item_empty', detail: 'It says nothing.' });
    this.items++;
    this.found.push({ kind: 'item', item });
  }

  private leaveOut(what: Omit<Extract<FeedEvent, { kind: 'rejected' }>, 'kind'>): void {
    this.rejected++;
    this.found.push({ kind: 'rejected', ...what });
  }

  /** Takes a word of the feed about itself. */
  private learn(element: XmlElement): void {
    const { info } = this;
    const { name, attributes } = element;
    const base = baseAddress(attributes['xml:base'] ?? this.base, this.options.url);
    if (name === 'rss:title' || name === 'atom:title') info.title ??= oneLine(plainText(element), 500);
    if (name === 'rss:language' || name === 'dc:language') info.language ??= oneLine(textOf(element), 50);
    if (name === 'rss:description' || name === 'atom:subtitle' || name === 'atom:tagline') {
      info.description ??= oneLine(textOf(element), 2_000);
    }
    if (name !== 'rss:link' && name !== 'atom:link') return;
    const { href = textOf(element), rel = 'alternate' } = attributes;
    const address = webAddress(href, base) ?? null;
    if (rel === 'alternate') info.link ??= address;
    if (rel === 'next') this.next ??= address;
  }

  private announce(): void {
    if (this.isAnnounced) return;
    this.isAnnounced = true;
    this.found.push({ kind: 'feed', ...this.info });
  }

  private boundPart(part: Part): void {
    const { maxItemCharacters } = this.options.limits;
    if (part.rejected !== undefined || this.parser.position - part.startsAt <= maxItemCharacters) return;
    this.reject(part, 'item_too_large', `It is longer than ${maxItemCharacters} characters.`);
  }

  private reject(part: Part, reason: 'item_too_large' | 'item_too_deep', detail: string): void {
    part.rejected = { reason, detail };
    part.stack.length = 0;
  }

  /** saxes keeps what it gathers until the end of it comes, which may be never. */
  private boundGathered(): void {
    const gathered = this.parser as unknown as Gathered;
    if (this.part !== undefined) this.boundPart(this.part);
    const { name, entity, piTarget, attribList } = gathered;
    if (Math.max(name.length, entity.length, piTarget.length) > MAX_NAME_CHARACTERS) {
      throw new DocumentBreak('token_too_large', 'A name, or an & without its ;, has no end.');
    }
    if (attribList.length > this.options.limits.maxAttributes) throw tooManyAttributes(this.options.limits);
    if (gathered.text.length <= this.options.limits.maxItemCharacters && this.part?.rejected === undefined)
      return;
    // Within the root it is of an item that is too large already, or between the items; before it, a DOCTYPE.
    if (this.depth > 0) gathered.text = '';
    else throw new DocumentBreak('token_too_large', 'What stands before the first element has no end.');
  }

  private attributesOf(tag: SaxesTagNS): Record<string, string> {
    const found: Record<string, string> = Object.create(null) as Record<string, string>;
    let count = 0;
    for (const key in tag.attributes) {
      const { uri, prefix, local, value } = tag.attributes[key]!;
      if (prefix === 'xmlns' || key === 'xmlns') continue;
      const name = prefix === '' ? local : `${this.vocabularyOf(uri)}:${local}`;
      found[name.toLowerCase()] = value;
      count++;
    }
    if (count > this.options.limits.maxAttributes) throw tooManyAttributes(this.options.limits);
    return found;
  }

  private vocabularyOf(uri: string): string {
    let word = this.vocabulary.get(uri);
    if (word === undefined) {
      word = vocabularyOf(uri);
      // A document may declare a new namespace for each of its elements.
      if (this.vocabulary.size < 100) this.vocabulary.set(uri, word);
    }
    return word;
  }
}

function tooManyAttributes({ maxAttributes }: FeedLimits): DocumentBreak {
  return new DocumentBreak('too_many_attributes', `An element has more than ${maxAttributes} attributes.`);
}

function formatOf(
  name: string,
  { uri }: SaxesTagNS,
  attributes: Record<string, string>,
): FeedFormat | undefined {
  if (name === 'atom:feed') return uri.includes('2005') ? 'atom-1.0' : 'atom-0.3';
  if (name === 'rdf:rdf') return 'rss-1.0';
  if (name !== 'rss:rss') return undefined;
  const { version = '2.0' } = attributes;
  if (version.startsWith('0.90')) return 'rss-0.90';
  if (version.startsWith('0.91')) return 'rss-0.91';
  return version.startsWith('0.9') ? 'rss-0.92' : 'rss-2.0';
}

function judgeDoctype(doctype: string): void {
  if (/^\s*html\b/i.test(doctype)) {
    throw new DocumentBreak('document_is_html', 'The document is a web page, not a feed.');
  }
  // Entities of a document's own may grow without end or name files; no feed needs them.
  if (/<!ENTITY/i.test(doctype)) {
    throw new DocumentBreak(
      'entities_declared',
      'The document declares entities of its own, which are refused.',
    );
  }
}

// After these, what belongs to which item cannot be known; all other offences against XML are those of many feeds.
const fatal = [
  'unexpected close tag',
  'unmatched closing tag',
  'disallowed character in tag name',
  'disallowed character in attribute name',
  'disallowed character in closing tag',
  'forward-slash in opening tag',
  'incorrect syntax',
  'weird empty close tag',
  'processing instruction without a target',
];

function place(message: string): string {
  return /^\d+:\d+/.exec(message)?.[0].replace(':', ', column ').replace(/^/, 'line ') ?? 'at its end';
}

/** saxes' words, which may quote the name of an element. */
function cleanReason(message: string): string {
  const [, words = message] = /^\d+:\d+: ([^:]*)/.exec(message) ?? [];
  return `${words.replace(/\.$/, '')} (${place(message)}).`;
}

const named: Record<string, string> = { amp: '&', gt: '>', lt: '<', quot: '"', apos: "'" };

/** The five entities of XML and those that HTML names; nothing that a document declares. */
const entities = new Proxy(named, {
  get: (known, name: string) => {
    const value = Object.hasOwn(known, name) ? known[name] : undefined;
    if (value !== undefined) return value;
    if (!/^[A-Za-z][A-Za-z0-9]{1,31}$/.test(name)) return undefined;
    const decoded = decodeHTMLStrict(`&${name};`);
    return decoded === `&${name};` ? undefined : decoded;
  },
});
