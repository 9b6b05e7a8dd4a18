import { isMany, none, type Many } from 'stream-chain/defs.js';
import { jsonParser, type parser } from 'stream-json/core/parser.js';
import { oneLine } from './clean-text';
import { DocumentBreak } from './document-break';
import type { DocumentOptions } from './document-options';
import type { FeedFormat, FeedInfo } from './feed-event';
import { FeedFindings } from './feed-findings';
import { JsonAssembler, MAX_OPEN_VALUES, bareObject, tooDeep, type JsonValue } from './json-assembler';
import { jsonFeedItem, mappedItem, type JsonItemReader } from './json-item';
import type { JsonMappingDto } from './json-mapping.dto';
import { JsonPlace } from './json-place';
import { pointerNames, type PointerNames } from './json-pointer';
import { webAddress } from './web-address';

export interface JsonOptions extends DocumentOptions {
  readonly mapping: JsonMappingDto | undefined;
  /** JSON pointer to where the document says how it goes on. */
  readonly nextPath: string | undefined;
}

type Wanted = 'version' | 'title' | 'description' | 'language' | 'link' | 'next';

// Of a name or a text outside of the items.
const MAX_OUTER_CHARACTERS = 65_536;

/** Reads JSON Feed, and any list of objects by a mapping, from text that comes in pieces. Throws {@link DocumentBreak}. */
export class JsonFeed {
  readonly findings: FeedFindings;
  next: string | null = null;
  /** A JSON document may have nothing but white space behind its end, and is read to it. */
  readonly isOver = false;
  private readonly parse = jsonParser({ packValues: false }) as (
    text: string | typeof none,
  ) => Many<parser.Token> | typeof none;
  private readonly list: PointerNames;
  private readonly read: JsonItemReader;
  private readonly wanted: readonly (readonly [Wanted, PointerNames])[];
  private readonly known: Partial<Record<Wanted, string>> = {};
  private readonly place = new JsonPlace();
  private item: JsonAssembler | undefined;
  private text = '';
  private isKey = false;
  private isListFound = false;

  constructor(private readonly options: JsonOptions) {
    const { mapping, nextPath } = options;
    this.findings = new FeedFindings(options, () => this.info());
    this.list = pointerNames(mapping?.list ?? '/items');
    this.read = mapping === undefined ? jsonFeedItem : mappedItem(mapping);
    const pointers: Partial<Record<Wanted, string | undefined>> =
      mapping === undefined ? jsonFeedWords : { title: mapping.feedTitle };
    this.wanted = Object.entries({ ...pointers, ...(nextPath !== undefined && { next: nextPath }) }).flatMap(
      ([word, pointer]) => (pointer === undefined ? [] : [[word as Wanted, pointerNames(pointer)] as const]),
    );
  }

  /** In parts that end where objects end: what is wrong behind an item must not take the item with it. */
  write(text: string): void {
    let from = 0;
    for (let to = text.indexOf('}'); to >= 0; to = text.indexOf('}', from)) {
      this.takeAll(text.slice(from, to + 1));
      from = to + 1;
    }
    if (from < text.length) this.takeAll(text.slice(from));
  }

  end(): void {
    this.takeAll(none);
    if (this.place.depth > 0 || this.item !== undefined) {
      throw new DocumentBreak('document_truncated', 'The document ends in the middle.');
    }
    if (!this.isListFound) throw this.noList();
    this.findings.announce();
    this.next = this.known.next ?? null;
  }

  private takeAll(text: string | typeof none): void {
    let tokens: Many<parser.Token> | typeof none;
    try {
      tokens = this.parse(text);
    } catch {
      // The parser's words say what it waited for; where the document merely ends, that is what has to be said.
      throw text === none
        ? new DocumentBreak('document_truncated', 'The document ends in the middle.')
        : new DocumentBreak('json_malformed', 'The document is no well-formed JSON.');
    }
    if (tokens === none || !isMany(tokens)) return;
    for (const token of tokens.values) this.take(token);
  }

  private take(token: parser.Token): void {
    switch (token.name) {
      case 'stringChunk':
      case 'numberChunk':
        return this.gather(token.value);
      case 'startObject':
        return this.start(false);
      case 'startArray':
        return this.start(true);
      case 'endObject':
      case 'endArray':
        return this.close();
      case 'startKey':
        this.isKey = true;
        return;
      case 'endKey':
        return this.name();
      case 'endString':
        return this.plain(this.taken());
      case 'endNumber':
        return this.plain(numberOf(this.taken()));
      case 'trueValue':
      case 'falseValue':
      case 'nullValue':
        return this.plain(token.value);
      default:
        // The begins of texts and numbers, and tokens that the parser is told not to make.
        return;
    }
  }

  private gather(text: string): void {
    if (this.item !== undefined) {
      this.item.count(text.length);
      if (this.item.excess === undefined) this.text += text;
    } else if (!this.isKey && this.place.isIn(this.list)) {
      // An item that is a bare text is none.
      this.text = '';
    } else if (this.text.length + text.length > MAX_OUTER_CHARACTERS) {
      if (this.isKey) throw new DocumentBreak('token_too_large', 'A name is longer than 65,536 characters.');
      this.text = '';
    } else {
      this.text += text;
    }
  }

  private taken(): string {
    const { text } = this;
    this.text = '';
    return text;
  }

  private start(isArray: boolean): void {
    if (this.item === undefined && this.place.isIn(this.list)) {
      const { maxItemCharacters, maxDepth } = this.options.limits;
      this.item = new JsonAssembler(maxItemCharacters, maxDepth);
    }
    if (this.item !== undefined) return this.item.start(isArray ? [] : bareObject());
    if (!this.isListFound && this.place.isAt(this.list)) this.isListFound = true;
    this.place.enter(isArray);
    if (this.place.depth > MAX_OPEN_VALUES) throw tooDeep();
  }

  private close(): void {
    if (this.item !== undefined) {
      if (this.item.end()) this.finish(this.item);
      return;
    }
    this.place.leave();
    this.place.stepOn();
  }

  private name(): void {
    this.isKey = false;
    const name = this.taken();
    if (this.item === undefined) this.place.name(name);
    else this.item.name(name);
  }

  private plain(value: string | number | boolean | null): void {
    if (this.item !== undefined) {
      this.item.plain(value);
      return;
    }
    if (this.place.isIn(this.list)) {
      this.findings.leaveOut('item_not_an_object', 'It is no object.');
    } else {
      if (value === null && this.place.isAt(this.list)) this.isListFound = true;
      for (const [word, names] of this.wanted) {
        if (value !== null && this.place.isAt(names)) this.known[word] = String(value);
      }
    }
    this.place.stepOn();
  }

  private finish(assembler: JsonAssembler): void {
    this.item = undefined;
    const { key } = this.place;
    const { value, excess } = assembler;
    if (excess === 'item_too_large') {
      this.findings.leaveOut(
        excess,
        `It is longer than ${this.options.limits.maxItemCharacters} characters.`,
      );
    } else if (excess !== undefined) {
      this.findings.leaveOut(
        excess,
        `Its values lie more than ${this.options.limits.maxDepth} deep in each other.`,
      );
    } else if (Array.isArray(value)) {
      this.findings.leaveOut('item_not_an_object', 'It is a list, not an object.');
    } else {
      this.deliver(value as { [name: string]: JsonValue }, typeof key === 'string' ? key : undefined);
    }
    this.place.stepOn();
  }

  private deliver(value: { [name: string]: JsonValue }, key: string | undefined): void {
    this.findings.add(this.read(value, key), 'It says nothing where the mapping looks.');
  }

  private info(): FeedInfo {
    const { title, description, language, link = '' } = this.known;
    return {
      format: this.format(),
      title: oneLine(title, 500),
      description: oneLine(description, 2_000),
      language: oneLine(language, 50),
      link: webAddress(link, this.options.url) ?? null,
      encoding: this.options.encoding,
    };
  }

  private format(): FeedFormat {
    if (this.options.mapping !== undefined) return 'mapped-json';
    return this.known.version?.endsWith('/1') === true ? 'json-feed-1.0' : 'json-feed-1.1';
  }

  private noList(): DocumentBreak {
    const { mapping } = this.options;
    return mapping === undefined
      ? new DocumentBreak(
          'mapping_missing',
          'The document is JSON, but no JSON Feed: say in the mapping where its items are.',
        )
      : new DocumentBreak(
          'mapped_list_missing',
          `The document has no list or object at ${JSON.stringify(mapping.list)}.`,
        );
  }
}

const jsonFeedWords: Readonly<Partial<Record<Wanted, string>>> = {
  version: '/version',
  title: '/title',
  description: '/description',
  language: '/language',
  link: '/home_page_url',
  next: '/next_url',
};

/** Ids may have more digits than a number keeps. */
function numberOf(text: string): string | number {
  const number = Number(text);
  return Number.isFinite(number) && (Number.isSafeInteger(number) || !/^-?\d+$/.test(text)) ? number : text;
}
