import { createReadStream, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { feedDate } from './feed-date';
import type { FeedEvent } from './feed-event';
import type { FeedItem } from './feed-item';
import type { JsonMappingDto } from './json-mapping.dto';
import { readFeed } from './read-feed';

interface Expected {
  mapping?: JsonMappingDto;
  format: string | null;
  encoding: string | null;
  items: number;
  /** How many guids differ. */
  distinct: number;
  /** How it ends: `end`, or why it breaks. */
  end: string;
}

const corpus = join(__dirname, '../../../test/fixtures/feeds');
const expected = JSON.parse(readFileSync(join(corpus, 'expected.json'), 'utf8')) as Record<string, Expected>;

// In pieces so small that every token is cut somewhere.
async function read(
  file: string,
  mapping: JsonMappingDto | undefined,
  highWaterMark = 997,
): Promise<FeedEvent[]> {
  const events: FeedEvent[] = [];
  const bytes = createReadStream(join(corpus, file), { highWaterMark });
  const url = 'https://feeds.example.org/feed';
  for await (const event of readFeed(bytes, { url, ...(mapping !== undefined && { mapping }) })) {
    events.push(event);
  }
  return events;
}

/** Counts without the parser: by JSON.parse, or by what looks like the begin of an item. */
function countedNaively(file: string, mapping: JsonMappingDto | undefined): number {
  const text = readFileSync(join(corpus, file), 'latin1');
  if (!file.endsWith('.json')) return text.match(/<(?:\w+:)?(?:item|entry)[\s>]/g)?.length ?? 0;
  const path = (mapping?.list ?? '/items').split('/').slice(1);
  const list = path.reduce<unknown>(
    (value, name) => (value as Record<string, unknown>)[name],
    JSON.parse(text),
  );
  return (list as unknown[]).length;
}

const itemsOf = (events: FeedEvent[]): FeedItem[] =>
  events.flatMap((event) => (event.kind === 'item' ? [event.item] : []));

describe('feeds that people publish', () => {
  it('are all in the table, and at least fifty are good ones of every format', () => {
    const files = readdirSync(corpus, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.parentPath !== corpus)
      .map((entry) => join(entry.parentPath, entry.name).slice(corpus.length + 1));
    expect(files.toSorted()).toEqual(Object.keys(expected).toSorted());
    const good = Object.values(expected).filter(({ end }) => end === 'end');
    expect(good.length).toBeGreaterThan(80);
    expect(new Set(good.map(({ format }) => format)).size).toBeGreaterThanOrEqual(7);
  });

  it.each(Object.entries(expected))(
    '%s',
    async (file, { mapping, format, encoding, items, distinct, end }) => {
      const events = await read(file, mapping);
      const found = itemsOf(events);
      const [first] = events;
      const last = events.at(-1)!;
      expect({
        format: first?.kind === 'feed' ? first.format : null,
        encoding: first?.kind === 'feed' ? first.encoding : null,
        items: found.length,
        distinct: new Set(found.map(({ guid }) => guid)).size,
        end: last.kind === 'broken' ? last.reason : last.kind,
      }).toEqual({ format, encoding, items, distinct, end });
      expect(events.filter(({ kind }) => kind === 'rejected')).toEqual([]);
      if (end === 'end') expect(found).toHaveLength(countedNaively(file, mapping));
      for (const { guid, link, publishedAt, updatedAt, notes } of found) {
        expect(guid).not.toBe('');
        expect(notes).toEqual([]);
        if (link !== null) expect(link).toMatch(/^https?:\/\//);
        for (const date of [publishedAt, updatedAt]) if (date !== null) expect(feedDate(date)).toBe(date);
      }
    },
  );

  it('give the same items whichever way their bytes arrive', async () => {
    for (const [file, { mapping }] of Object.entries(expected)) {
      expect(await read(file, mapping, 61)).toEqual(await read(file, mapping, 1_000_000));
    }
  });
});
