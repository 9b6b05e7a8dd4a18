import { SaxesParser, type SaxesTagNS } from 'saxes';
import { oneLine } from './clean-text';
import { DocumentBreak } from './document-break';
import type { DocumentOptions } from './document-options';
import type { FeedInfo } from './feed-event';
import { FeedFindings } from './feed-findings';
import { StrayAmpersands } from './stray-ampersands';
import { baseAddress, webAddress } from './web-address';
import { textOf, type XmlElement } from './xml-element';
import { xmlEntities } from './xml-entities';
import { xmlFormatOf } from './xml-format';
import { draftOf, plainText } from './xml-item';
import { XmlNames } from './xml-names';
import { judgeDoctype, judgeOffence } from './xml-offences';

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
  readonly findings: FeedFindings;
  next: string | null = null;
  /** The root element is closed; whatever follows is of no interest. */
  isOver = false;
  private readonly parser = new SaxesParser({ xmlns: true, position: true });
  private readonly ampersands = new StrayAmpersands();
  private readonly names: XmlNames;
  private readonly info: { -readonly [Key in keyof FeedInfo]: FeedInfo[Key] };
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
    this.findings = new FeedFindings(options, () => this.info);
    this.names = new XmlNames(options.limits);
    const { parser } = this;
    parser.ENTITIES = xmlEntities;
    parser.on('error', (error) => {
      if (!this.isOver) judgeOffence(error);
    });
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
    this.findings.announce();
  }

  private open(tag: SaxesTagNS): void {
    this.depth++;
    if (this.isOver) return;
    if (this.depth > MAX_OPEN_ELEMENTS) {
      throw new DocumentBreak('too_deep', `Elements lie more than ${MAX_OPEN_ELEMENTS} deep in each other.`);
    }
    const attributes = this.names.attributesOf(tag);
    const name = this.names.nameOf(tag);
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

  private openRoot(name: string, tag: SaxesTagNS, attributes: Readonly<Record<string, string>>): void {
    const local = tag.local.toLowerCase();
    if (local === 'html')
      throw new DocumentBreak('document_is_html', 'The document is a web page, not a feed.');
    const format = xmlFormatOf(name, tag, attributes);
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

  private openChannel(attributes: Readonly<Record<string, string>>): void {
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
    const { rejected } = part;
    if (rejected !== undefined) this.findings.leaveOut(rejected.reason, rejected.detail);
    else this.findings.add(draftOf(part.stack[0]!, this.base), 'It says nothing.');
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
    this.names.bound(attribList.length);
    if (gathered.text.length <= this.options.limits.maxItemCharacters && this.part?.rejected === undefined)
      return;
    // Within the root it is of an item that is too large already, or between the items; before it, a DOCTYPE.
    if (this.depth > 0) gathered.text = '';
    else throw new DocumentBreak('token_too_large', 'What stands before the first element has no end.');
  }
}
