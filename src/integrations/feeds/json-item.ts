import type { FeedPerson, MappedValue } from './feed-item';
import { emptyDraft, type ItemDraft } from './item-draft';
import type { JsonValue } from './json-assembler';
import type { JsonMappingDto } from './json-mapping.dto';
import { pointerNames, type PointerNames } from './json-pointer';

type JsonObject = { [name: string]: JsonValue };
/** What an item of a JSON document says; `key` is its name where the list is an object. */
export type JsonItemReader = (item: JsonObject, key: string | undefined) => ItemDraft;

// More of one field is not of one item any more.
const MAX_VALUES = 200;

/** JSON Feed 1.0 and 1.1. */
export const jsonFeedItem: JsonItemReader = (item) => {
  const draft = emptyDraft();
  const { content_html: html, content_text: text, summary } = item;
  set(draft, 'guid', plainText(item['id']));
  set(draft, 'title', plainText(item['title']));
  // `external_url` is what a link blog writes about; the item itself lies at `url`.
  set(draft, 'link', plainText(item['url']) ?? plainText(item['external_url']));
  draft.isGuidLink = true;
  if (typeof summary === 'string') draft.summary = { type: 'text', value: summary };
  if (typeof html === 'string') draft.content = { type: 'html', value: html };
  else if (typeof text === 'string') draft.content = { type: 'text', value: text };
  set(draft, 'publishedAt', plainText(item['date_published']));
  set(draft, 'updatedAt', plainText(item['date_modified']));
  draft.authors = [...listOf(item['authors']), item['author'] ?? null].flatMap((one) => personOf(one) ?? []);
  draft.categories = listOf(item['tags']).flatMap((tag) => plainText(tag) ?? []);
  draft.enclosures = listOf(item['attachments']).flatMap((one) => {
    if (!isObject(one) || typeof one['url'] !== 'string') return [];
    const { url, mime_type: type, size_in_bytes: size } = one;
    const lengthBytes = Number.isSafeInteger(size) && (size as number) >= 0 ? (size as number) : null;
    return { url, type: plainText(type ?? null) ?? null, lengthBytes };
  });
  return draft;
};

/** Items as a mapping describes them. */
export function mappedItem(mapping: JsonMappingDto): JsonItemReader {
  const names = (pointer: string | undefined) => (pointer === undefined ? undefined : pointerNames(pointer));
  const at = {
    guid: names(mapping.guid),
    title: names(mapping.title),
    link: names(mapping.link),
    summary: names(mapping.summary),
    content: names(mapping.content),
    author: names(mapping.author),
    categories: names(mapping.categories),
    enclosures: names(mapping.enclosures),
    publishedAt: names(mapping.publishedAt),
    updatedAt: names(mapping.updatedAt),
  };
  const fields = Object.entries(mapping.fields ?? {}).map(
    ([name, pointer]) => [name, pointerNames(pointer), pointer.includes('*')] as const,
  );
  const type = mapping.textType ?? 'text';
  return (item, key) => {
    const draft = emptyDraft();
    const all = (path: PointerNames | undefined) => (path === undefined ? [] : valuesAt(item, path));
    const first = (path: PointerNames | undefined) => plainText(all(path)[0] ?? null);
    set(draft, 'guid', first(at.guid) ?? key);
    set(draft, 'title', first(at.title));
    set(draft, 'link', first(at.link));
    draft.isGuidLink = true;
    const [summary, content] = [first(at.summary), first(at.content)];
    if (summary !== undefined) draft.summary = { type, value: summary };
    if (content !== undefined) draft.content = { type, value: content };
    set(draft, 'publishedAt', dateAt(all(at.publishedAt)[0]));
    set(draft, 'updatedAt', dateAt(all(at.updatedAt)[0]));
    draft.authors = flat(all(at.author)).flatMap((one) => personOf(one) ?? []);
    draft.categories = flat(all(at.categories)).flatMap((one) => plainText(one) ?? []);
    draft.enclosures = flat(all(at.enclosures)).flatMap((one) => {
      const url = plainText(one);
      return url === undefined ? [] : { url, type: null, lengthBytes: null };
    });
    draft.fields = Object.fromEntries(
      fields.map(([name, path, isList]) => [name, fieldOf(valuesAt(item, path), isList)]),
    );
    return draft;
  };
}

/** What a pointer leads to, in order; at most 200 values. */
function valuesAt(root: JsonValue, path: PointerNames): JsonValue[] {
  let values: JsonValue[] = [root];
  for (const name of path) {
    values = values.flatMap((value) => stepInto(value, name)).slice(0, MAX_VALUES);
  }
  return values;
}

function stepInto(value: JsonValue, name: string): JsonValue[] {
  if (Array.isArray(value)) {
    if (name === '*') return value.slice(0, MAX_VALUES);
    return /^(?:0|[1-9]\d{0,6})$/.test(name) && Number(name) < value.length ? [value[Number(name)]!] : [];
  }
  return isObject(value) && Object.hasOwn(value, name) ? [value[name]!] : [];
}

function fieldOf(values: readonly JsonValue[], isList: boolean): MappedValue {
  const [only = null] = values;
  if (!isList && !Array.isArray(only)) return isObject(only) ? null : only;
  return flat(values).filter((value) => !isObject(value) && !Array.isArray(value)) as MappedValue;
}

function flat(values: readonly JsonValue[]): JsonValue[] {
  return values.flatMap((value) => (Array.isArray(value) ? value : [value])).slice(0, MAX_VALUES);
}

function listOf(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value.slice(0, MAX_VALUES) : [];
}

function personOf(value: JsonValue): FeedPerson | undefined {
  const name = plainText(value);
  if (name !== undefined) return { name, email: null, url: null };
  if (!isObject(value)) return undefined;
  const part = (word: string) => plainText(value[word]) ?? null;
  return { name: part('name'), email: part('email'), url: part('url') };
}

function dateAt(value: JsonValue | undefined): string | number | undefined {
  return typeof value === 'number' ? value : plainText(value ?? null);
}

/** Texts, and numbers and truths as texts; ids are often numbers. */
function plainText(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function set<Key extends keyof ItemDraft>(draft: ItemDraft, key: Key, value: ItemDraft[Key]): void {
  if (value !== undefined) draft[key] = value;
}
