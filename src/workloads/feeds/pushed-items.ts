import type { FeedEvent } from '../../integrations/feeds/feed-event';
import type { FeedItem } from '../../integrations/feeds/feed-item';
import { readFeed } from '../../integrations/feeds/read-feed';
import type { JsonMappingDto } from '../../integrations/feeds/json-mapping.dto';
import type { Rejection } from './import-staging.store';

// What an item of document 003 and most others call these things; anything else becomes a field of the same name.
const usual = {
  guid: '/guid',
  title: '/title',
  link: '/link',
  summary: '/summary',
  content: '/content',
  author: '/author',
  categories: '/categories',
  publishedAt: '/publishedAt',
  updatedAt: '/updatedAt',
  enclosures: '/enclosures',
};
const MAX_FIELDS = 50;

/** Reads items that came with a request as if they were a feed: the same checks, limits, ids and fingerprints. */
export async function pushedItems(
  items: readonly object[],
  mapping?: JsonMappingDto,
): Promise<{ readonly items: FeedItem[]; readonly rejections: Rejection[] }> {
  const bytes = Buffer.from(JSON.stringify(items));
  const events = readFeed(once(bytes), {
    contentType: 'application/json; charset=utf-8',
    mapping: { ...(mapping ?? { ...usual, fields: otherFields(items) }), list: '' },
  });
  const taken: FeedItem[] = [];
  const rejections: Rejection[] = [];
  for await (const event of events as AsyncIterable<FeedEvent>) {
    if (event.kind === 'item') taken.push(event.item);
    if (event.kind === 'rejected') rejections.push(event);
  }
  return { items: taken, rejections };
}

function otherFields(items: readonly object[]): Record<string, string> {
  const names = new Set<string>();
  for (const item of items) {
    for (const name of Object.keys(item)) {
      if (names.size >= MAX_FIELDS) break;
      if (!Object.hasOwn(usual, name)) names.add(name);
    }
  }
  return Object.fromEntries(
    [...names].map((name) => [name, `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`]),
  );
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
