import type { SaxesTagNS } from 'saxes';
import { DocumentBreak } from './document-break';
import type { FeedLimits } from './feed-limits';
import { vocabularyOf } from './xml-vocabulary';

const none: Readonly<Record<string, string>> = Object.freeze(Object.create(null) as object) as Record<
  string,
  string
>;
// A document may have a new name for each of its elements, and a new namespace.
const MOST_KNOWN = 100;

/** The names of a document's elements and attributes, as they are read: vocabulary and local name in small letters. */
export class XmlNames {
  private readonly known = new Map<string, string>();
  /** By namespace and local name as written: putting a name together costs more than finding it. */
  private readonly names = new Map<string, Map<string, string>>();

  constructor(private readonly limits: FeedLimits) {}

  nameOf({ uri, local }: SaxesTagNS): string {
    let ofNamespace = this.names.get(uri);
    if (ofNamespace === undefined) {
      ofNamespace = new Map();
      if (this.names.size < MOST_KNOWN) this.names.set(uri, ofNamespace);
    }
    let name = ofNamespace.get(local);
    if (name === undefined) {
      name = `${this.vocabularyOf(uri)}:${local.toLowerCase()}`;
      if (ofNamespace.size < MOST_KNOWN) ofNamespace.set(local, name);
    }
    return name;
  }

  /** Throws {@link DocumentBreak} where they are too many. */
  attributesOf(tag: SaxesTagNS): Readonly<Record<string, string>> {
    let found: Record<string, string> | undefined;
    let count = 0;
    for (const key in tag.attributes) {
      const { uri, prefix, local, value } = tag.attributes[key]!;
      if (prefix === 'xmlns' || key === 'xmlns') continue;
      const name = prefix === '' ? local : `${this.vocabularyOf(uri)}:${local}`;
      found ??= Object.create(null) as Record<string, string>;
      found[name.toLowerCase()] = value;
      count++;
    }
    this.bound(count);
    return found ?? none;
  }

  /** Throws {@link DocumentBreak} for more attributes than an element may have. */
  bound(attributes: number): void {
    const { maxAttributes } = this.limits;
    if (attributes <= maxAttributes) return;
    throw new DocumentBreak('too_many_attributes', `An element has more than ${maxAttributes} attributes.`);
  }

  private vocabularyOf(uri: string): string {
    let word = this.known.get(uri);
    if (word === undefined) {
      word = vocabularyOf(uri);
      if (this.known.size < MOST_KNOWN) this.known.set(uri, word);
    }
    return word;
  }
}
