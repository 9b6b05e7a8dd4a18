import { hash } from 'node:crypto';
import { cleanText, oneLine } from './clean-text';
import { feedDate, numberDate } from './feed-date';
import type { FeedEnclosure, FeedItem, FeedPerson, FeedText, ItemNote, MappedValue } from './feed-item';
import type { ItemDraft } from './item-draft';
import { baseAddress, webAddress } from './web-address';

const most = {
  guidCharacters: 2_048,
  titleCharacters: 1_000,
  summaryCharacters: 65_536,
  contentCharacters: 524_288,
  nameCharacters: 200,
  typeCharacters: 100,
  fieldCharacters: 10_000,
  authors: 50,
  categories: 100,
  enclosures: 50,
};

/** The item that a draft means, or undefined when it says nothing at all. */
export function finishItem(
  draft: ItemDraft,
  position: number,
  documentUrl: string | undefined,
): FeedItem | undefined {
  const notes = new Set<ItemNote>();
  const base = baseAddress(draft.base, documentUrl);
  const content = {
    title: oneLine(draft.title, most.titleCharacters),
    link: linkOf(draft, base, notes),
    summary: textOf(draft.summary, most.summaryCharacters, notes),
    content: textOf(draft.content, most.contentCharacters, notes),
    authors: listOf(draft.authors, most.authors, notes, personOf, ({ name, email, url }) =>
      JSON.stringify([name, email, url]),
    ),
    categories: listOf(draft.categories, most.categories, notes, (name) =>
      oneLine(name, most.nameCharacters),
    ),
    publishedAt: dateOf(draft.publishedAt, 'published_at_unreadable', notes),
    updatedAt: dateOf(draft.updatedAt, 'updated_at_unreadable', notes),
    enclosures: listOf(
      draft.enclosures,
      most.enclosures,
      notes,
      (one) => enclosureOf(one, base, notes),
      ({ url }) => url,
    ),
    fields: fieldsOf(draft.fields, notes),
  };
  const guid = cleanText(draft.guid ?? '', Number.MAX_SAFE_INTEGER).trim();
  if (guid === '' && Object.values(content).every(isNothing)) return undefined;
  const says = JSON.stringify(content);
  return {
    position,
    ...identity(guid, content.link, says),
    ...content,
    notes: [...notes],
    fingerprint: hash('sha256', guid === '' ? says : `${guid}\n${says}`),
  };
}

function identity(guid: string, link: string | null, says: string): Pick<FeedItem, 'guid' | 'guidFrom'> {
  if (guid !== '') return { guid: shortId(guid), guidFrom: 'guid' };
  if (link !== null) return { guid: link, guidFrom: 'link' };
  return { guid: `sha256:${hash('sha256', says)}`, guidFrom: 'content' };
}

function shortId(guid: string): string {
  return guid.length <= most.guidCharacters ? guid : `sha256:${hash('sha256', guid)}`;
}

function linkOf(draft: ItemDraft, base: string | undefined, notes: Set<ItemNote>): string | null {
  const { link = '', guid = '', isGuidLink = false } = draft;
  if (link.trim() !== '') {
    const address = webAddress(link, base);
    if (address === undefined) notes.add('link_refused');
    return address ?? null;
  }
  return isGuidLink ? (webAddress(guid, undefined) ?? null) : null;
}

function textOf(text: FeedText | undefined, maxCharacters: number, notes: Set<ItemNote>): FeedText | null {
  if (text === undefined) return null;
  if (text.value.length > maxCharacters) notes.add('text_cut');
  const value = cleanText(text.value, maxCharacters).trim();
  return value === '' ? null : { type: text.type, value };
}

function dateOf(date: string | number | undefined, note: ItemNote, notes: Set<ItemNote>): string | null {
  if (date === undefined || date === '') return null;
  const found = typeof date === 'number' ? numberDate(date) : feedDate(date);
  if (found === null && String(date).trim() !== '') notes.add(note);
  return found;
}

/** The first `max` of what `read` makes of the list, each once. */
function listOf<Raw, Value>(
  list: readonly Raw[],
  max: number,
  notes: Set<ItemNote>,
  read: (raw: Raw) => Value | null,
  keyOf: (value: Value) => unknown = (value) => value,
): Value[] {
  const found: Value[] = [];
  if (list.length === 0) return found;
  const keys = new Set<unknown>();
  for (const raw of list) {
    const value = read(raw);
    if (value === null || keys.has(keyOf(value))) continue;
    if (found.length === max) {
      notes.add('list_cut');
      break;
    }
    keys.add(keyOf(value));
    found.push(value);
  }
  return found;
}

function personOf(person: FeedPerson): FeedPerson | null {
  const name = oneLine(person.name ?? undefined, most.nameCharacters);
  const email = oneLine(person.email ?? undefined, most.nameCharacters);
  const url = person.url === null ? null : (webAddress(person.url, undefined) ?? null);
  return name === null && email === null && url === null ? null : { name, email, url };
}

function enclosureOf(
  { url, type, lengthBytes }: FeedEnclosure,
  base: string | undefined,
  notes: Set<ItemNote>,
): FeedEnclosure | null {
  const address = webAddress(url, base);
  if (address === undefined) {
    if (url.trim() !== '') notes.add('enclosure_refused');
    return null;
  }
  return { url: address, type: oneLine(type ?? undefined, most.typeCharacters), lengthBytes };
}

function fieldsOf(fields: ItemDraft['fields'], notes: Set<ItemNote>): Record<string, MappedValue> {
  if (fields === undefined) return {};
  const clean = <Value>(value: Value) => {
    if (typeof value !== 'string') return value;
    if (value.length > most.fieldCharacters) notes.add('text_cut');
    return cleanText(value, most.fieldCharacters);
  };
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(clean) : clean(value),
    ]),
  );
}

function isNothing(value: unknown): boolean {
  return value === null || (typeof value === 'object' && Object.values(value).every(isNothing));
}
