import { decodeHTML } from 'entities';
import type { FeedPerson, FeedText } from './feed-item';
import { emptyDraft, type ItemDraft } from './item-draft';
import { childElements, childNamed, innerHtml, textOf, type XmlElement } from './xml-element';

type Reader = (element: XmlElement, draft: ItemDraft) => void;

/** What an `item` or an `entry` says, in whichever words. `base` is the feed's `xml:base`. */
export function draftOf(item: XmlElement, base: string | undefined): ItemDraft {
  const draft = emptyDraft();
  const ownBase = item.attributes['xml:base'] ?? base;
  if (ownBase !== undefined) draft.base = ownBase;
  const words = childElements(item);
  for (const word of words) ownWords[word.name]?.(word, draft);
  for (const word of words) borrowedWords[word.name]?.(word, draft);
  // RSS 1.0 names an item by its address, and says the same in its link.
  const about = item.attributes['rdf:about'];
  if (about !== undefined && !draft.guid) Object.assign(draft, { guid: about, isGuidLink: true });
  return draft;
}

const ownWords: Readonly<Record<string, Reader>> = {
  ...wordsOf('rss'),
  // Atom elements in RSS, and RSS elements that a feed of Atom has by mistake.
  ...wordsOf('atom'),
  'content:encoded': (element, draft) => {
    draft.content = htmlIn(element);
  },
};

/** What other vocabularies say is second to what the feed's own says, whichever comes first. */
const borrowedWords: Readonly<Record<string, Reader>> = {
  'xhtml:body': (element, draft) => {
    draft.content ??= { type: 'html', value: innerHtml(element) };
  },
  'xhtml:div': (element, draft) => {
    draft.content ??= { type: 'html', value: innerHtml(element) };
  },
  'dc:title': (element, draft) => {
    draft.title ||= textOf(element);
  },
  'dc:identifier': (element, draft) => {
    draft.guid ||= textOf(element);
  },
  'dc:description': (element, draft) => {
    draft.summary ??= htmlIn(element);
  },
  'dc:creator': author,
  'dc:author': author,
  'dc:subject': category,
  'dc:date': published,
  'dcterms:issued': published,
  'dcterms:created': published,
  'dcterms:modified': updated,
  'itunes:author': author,
  'itunes:title': (element, draft) => {
    draft.title ||= textOf(element);
  },
  'itunes:summary': (element, draft) => {
    draft.summary ??= { type: 'text', value: textOf(element) };
  },
  'media:title': (element, draft) => {
    draft.title ||= textOf(element);
  },
  'media:description': (element, draft) => {
    const type = element.attributes['type'] === 'html' ? 'html' : 'text';
    draft.summary ??= { type, value: textOf(element) };
  },
  'media:content': media,
  'media:group': (element, draft) => {
    for (const child of childElements(element)) {
      if (child.name.startsWith('media:')) borrowedWords[child.name]?.(child, draft);
    }
  },
};

function wordsOf(vocabulary: 'rss' | 'atom'): Record<string, Reader> {
  const words: Record<string, Reader> = {
    guid: (element, draft) => {
      draft.guid ||= textOf(element);
      draft.isGuidLink ??= element.attributes['ispermalink'] !== 'false';
    },
    id: (element, draft) => {
      draft.guid ||= textOf(element);
    },
    title: (element, draft) => {
      draft.title ||= vocabulary === 'atom' ? plainText(element) : textOf(element);
    },
    link,
    description: (element, draft) => {
      draft.summary ??= htmlIn(element);
    },
    summary: (element, draft) => {
      draft.summary ??= atomText(element);
    },
    content: (element, draft) => {
      draft.content ??= atomText(element);
      const { src, type = null } = element.attributes;
      if (src !== undefined) draft.enclosures.push({ url: src, type, lengthBytes: null });
    },
    author: vocabulary === 'atom' ? atomPerson : author,
    contributor: () => undefined,
    category,
    pubdate: published,
    published,
    issued: published,
    created: published,
    updated,
    modified: updated,
    enclosure: (element, draft) => {
      const { url = '', type = null, length } = element.attributes;
      draft.enclosures.push({ url, type, lengthBytes: bytesOf(length) });
    },
  };
  return Object.fromEntries(Object.entries(words).map(([word, read]) => [`${vocabulary}:${word}`, read]));
}

function link(element: XmlElement, draft: ItemDraft): void {
  const { href, rel = 'alternate', type = null, length } = element.attributes;
  if (href === undefined) {
    if (draft.link === undefined || draft.link.trim() === '') draft.link = textOf(element);
  } else if (rel === 'enclosure') {
    draft.enclosures.push({ url: href, type, lengthBytes: bytesOf(length) });
  } else if (rel === 'alternate') {
    // The page, where there are several, is what people read.
    if (draft.link === undefined || draft.link.trim() === '') draft.link = href;
  }
}

function published(element: XmlElement, draft: ItemDraft): void {
  draft.publishedAt ||= textOf(element);
}

function updated(element: XmlElement, draft: ItemDraft): void {
  draft.updatedAt ||= textOf(element);
}

function category(element: XmlElement, draft: ItemDraft): void {
  const { term, label } = element.attributes;
  draft.categories.push(label ?? term ?? textOf(element));
}

function author(element: XmlElement, draft: ItemDraft): void {
  if (childElements(element).length > 0) atomPerson(element, draft);
  else draft.authors.push(personOf(textOf(element)));
}

function atomPerson(element: XmlElement, draft: ItemDraft): void {
  const part = (word: string) => {
    const child = childNamed(element, `atom:${word}`) ?? childNamed(element, `rss:${word}`);
    return child === undefined ? null : textOf(child).trim();
  };
  const name = part('name') ?? (childElements(element).length === 0 ? textOf(element).trim() : null);
  draft.authors.push({ name, email: part('email'), url: part('uri') ?? part('url') });
}

/** `jane@example.org (Jane Doe)`, as RSS has it, `Jane Doe <jane@example.org>`, or a name. */
function personOf(text: string): FeedPerson {
  const trimmed = text.trim();
  for (const [open, close, isNameFirst] of [
    ['(', ')', false],
    ['<', '>', true],
  ] as const) {
    const at = trimmed.indexOf(open);
    if (at < 1 || !trimmed.endsWith(close)) continue;
    const [before, inside] = [trimmed.slice(0, at).trim(), trimmed.slice(at + 1, -1).trim()];
    const [name, email] = isNameFirst ? [before, inside] : [inside, before];
    if (email.includes('@') && !email.includes(' ')) return { name, email, url: null };
  }
  const isEmail = trimmed.includes('@') && !trimmed.includes(' ');
  return isEmail ? { name: null, email: trimmed, url: null } : { name: trimmed, email: null, url: null };
}

function media(element: XmlElement, draft: ItemDraft): void {
  const { url, type = null, filesize } = element.attributes;
  if (url !== undefined) draft.enclosures.push({ url, type, lengthBytes: bytesOf(filesize) });
  for (const child of childElements(element)) {
    if (child.name.startsWith('media:') && child.name !== 'media:content')
      borrowedWords[child.name]?.(child, draft);
  }
}

function bytesOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** HTML as escaped text, or as elements where a feed forgot to escape it. */
function htmlIn(element: XmlElement): FeedText {
  const isMarkup = element.children.some((child) => typeof child !== 'string');
  return { type: 'html', value: isMarkup ? innerHtml(element) : textOf(element) };
}

function atomText(element: XmlElement): FeedText {
  const { type = 'text', mode } = element.attributes;
  const div = childElements(element);
  if (type === 'xhtml' || div.length > 0) {
    const isWrapped = div.length === 1 && div[0]!.localName.toLowerCase() === 'div';
    return { type: 'html', value: innerHtml(isWrapped ? div[0]! : element) };
  }
  const isText = (type === 'text' || type === 'text/plain') && mode !== 'escaped';
  return { type: isText ? 'text' : 'html', value: textOf(element) };
}

/** A title without its markup, where it is declared to have some. */
export function plainText(element: XmlElement): string {
  const { type = 'text' } = element.attributes;
  const text = textOf(element);
  const isHtml = type === 'html' || type === 'text/html';
  return isHtml ? decodeHTML(text.replace(/<[^<>]*>/g, '')) : text;
}
