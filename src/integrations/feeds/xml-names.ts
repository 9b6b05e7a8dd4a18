import type { SaxesTagNS } from 'saxes';
import { DocumentBreak } from './document-break';
import type { FeedLimits } from './feed-limits';
import { vocabularyOf } from './xml-vocabulary';

/** The names of a document's elements and attributes, as they are read: vocabulary and local name in small letters. */
export class XmlNames {
  private readonly known = new Map<string, string>();

  constructor(private readonly limits: FeedLimits) {}

  nameOf({ uri, local }: SaxesTagNS): string {
    return `${this.vocabularyOf(uri)}:${local.toLowerCase()}`;
  }

  /** Throws {@link DocumentBreak} where they are too many. */
  attributesOf(tag: SaxesTagNS): Record<string, string> {
    const found: Record<string, string> = Object.create(null) as Record<string, string>;
    let count = 0;
    for (const key in tag.attributes) {
      const { uri, prefix, local, value } = tag.attributes[key]!;
      if (prefix === 'xmlns' || key === 'xmlns') continue;
      const name = prefix === '' ? local : `${this.vocabularyOf(uri)}:${local}`;
      found[name.toLowerCase()] = value;
      count++;
    }
    this.bound(count);
    return found;
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
      // A document may declare a new namespace for each of its elements.
      if (this.known.size < 100) this.known.set(uri, word);
    }
    return word;
  }
}
