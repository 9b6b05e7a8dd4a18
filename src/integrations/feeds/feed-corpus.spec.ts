import fc from 'fast-check';
import { createReadStream, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
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

  it('never throw anything, however they are damaged', async () => {
    const files = Object.entries(expected).map(([file, { mapping }]) => ({
      mapping,
      bytes: readFileSync(join(corpus, file)).subarray(0, 20_000),
    }));
    const damage = fc.record({
      file: fc.constantFrom(...files),
      cuts: fc.array(fc.tuple(fc.nat(20_000), fc.nat(300), fc.uint8Array({ maxLength: 8 })), {
        maxLength: 6,
      }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ file: { bytes, mapping }, cuts }) => {
        const damaged = cuts.reduce(
          (text, [at, length, put]) => Buffer.concat([text.subarray(0, at), put, text.subarray(at + length)]),
          bytes,
        );
        const kinds: string[] = [];
        const hints = { url: 'https://e.org/', ...(mapping !== undefined && { mapping }) };
        for await (const { kind } of readFeed(Readable.from([damaged]), hints)) kinds.push(kind);
        expect(kinds.at(-1)).toMatch(/^(?:end|broken)$/);
        expect(kinds.filter((kind) => ['feed', 'end', 'broken'].includes(kind)).length).toBeLessThanOrEqual(
          2,
        );
      }),
      { numRuns: 300 },
    );
  });
});
