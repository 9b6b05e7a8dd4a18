import type { FeedEvent } from '../../integrations/feeds/feed-event';
import type { FeedItem } from '../../integrations/feeds/feed-item';
import { isJsonPointer } from '../../integrations/feeds/json-pointer';
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

/** An item has a member whose name cannot be kept. */
export class MemberNameError extends Error {
  constructor(readonly at: number) {
    super('names of members must have at most 499 characters, without NUL and half characters');
    this.name = 'MemberNameError';
  }
}

/** Reads items that came with a request as if they were a feed: the same checks, limits, ids and fingerprints. Throws {@link MemberNameError}. */
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
  const fields = new Map<string, string>();
  items.forEach((item, at) => {
    for (const name of Object.keys(item)) {
      const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      if (!isJsonPointer(pointer)) throw new MemberNameError(at);
      if (fields.size < MAX_FIELDS && !Object.hasOwn(usual, name)) fields.set(name, pointer);
    }
  });
  return Object.fromEntries(fields);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
