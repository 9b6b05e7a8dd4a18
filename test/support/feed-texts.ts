import type { FeedEvent } from '../../src/integrations/feeds/feed-event';
import type { FeedItem } from '../../src/integrations/feeds/feed-item';
import { readFeed, type FeedHints } from '../../src/integrations/feeds/read-feed';

/** Where the documents of these tests come from. */
export const url = 'https://news.example.org/feeds/all.xml';

export async function* bytesOf(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part;
}

/** All that a document gives. */
export async function read(document: string | Uint8Array, hints: FeedHints = {}): Promise<FeedEvent[]> {
  const events: FeedEvent[] = [];
  for await (const event of readFeed(bytesOf(document), { url, ...hints })) events.push(event);
  return events;
}

export const itemsIn = (events: readonly FeedEvent[]): FeedItem[] =>
  events.flatMap((event) => (event.kind === 'item' ? [event.item] : []));

export async function itemsOf(document: string | Uint8Array, hints: FeedHints = {}): Promise<FeedItem[]> {
  return itemsIn(await read(document, hints));
}

export const rss = (inside: string, before = '<?xml version="1.0"?>') =>
  `${before}<rss version="2.0"><channel><title>News</title>${inside}</channel></rss>`;

/** What a document ends with: `end`, or why it breaks. */
export const ends = (events: readonly FeedEvent[]) => {
  const last = events.at(-1)!;
  return last.kind === 'broken' ? last.reason : last.kind;
};
