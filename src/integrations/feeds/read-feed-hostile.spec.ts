import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectGarbage } from '../../platform/process-memory/collect-garbage';
import { ends, itemsIn, read, rss, url } from '../../../test/support/feed-texts';
import type { FeedEvent } from './feed-event';
import { readFeed } from './read-feed';

describe('a hostile or broken document', () => {
  const some = '<item><guid>1</guid></item><item><guid>2</guid></item>';
  const open = `<?xml version="1.0"?><rss version="2.0"><channel>${some}`;

  it.each<[string, string | Uint8Array, string, number]>([
    ['nothing', '', 'document_empty', 0],
    ['white space and NUL', ' \n\u0000\ufeff', 'document_empty', 0],
    [
      'a web page',
      '<!DOCTYPE html><html><head><title>x</title></head><body><br></body></html>',
      'document_is_html',
      0,
    ],
    ['a web page without a DOCTYPE', '<html><p>Not found', 'document_is_html', 0],
    ['a text', 'Not found', 'document_not_a_feed', 0],
    ['a picture', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0, 0, 0xff), 'document_not_a_feed', 0],
    ['some other XML', '<opml><item/></opml>', 'document_not_a_feed', 0],
    ['XML without an element', '<?xml version="1.0"?><!-- nothing -->', 'document_not_a_feed', 0],
    ['a feed cut in an item', `${open}<item><guid>3`, 'document_truncated', 2],
    ['a feed cut in a tag', `${open}<item`, 'document_truncated', 2],
    ['a feed cut in CDATA', `${open}<item><title><![CDATA[abc`, 'document_truncated', 2],
    ['a feed cut between items', open, 'document_truncated', 2],
    ['a tag closed by another', `${open}<item><b>x</i></item>${some}</channel></rss>`, 'xml_malformed', 2],
    ['a tag that was never opened', `${open}</item>${some}</channel></rss>`, 'xml_malformed', 2],
    ['a bare less-than sign', `${open}<item><title>1 < 2</title></item></channel></rss>`, 'xml_malformed', 2],
    ['NUL in a tag', `${open}<it\u0000em></item></channel></rss>`, 'xml_malformed', 2],
    ['entities', `<!DOCTYPE rss [<!ENTITY a "b">]>${rss(some, '')}`, 'entities_declared', 0],
    [
      'an external entity',
      `<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]>${rss('<item><title>&a;</title></item>', '')}`,
      'entities_declared',
      0,
    ],
    [
      'a parameter entity',
      `<!DOCTYPE rss [<!ENTITY % a SYSTEM "http://127.0.0.1/"> %a;]>${rss(some, '')}`,
      'entities_declared',
      0,
    ],
    ['nesting without an end', `${open}${'<a>'.repeat(200_000)}`, 'too_deep', 2],
    [
      'attributes without an end',
      `${open}<item ${Array.from({ length: 50_000 }, (_, n) => `a${n}="1"`).join(' ')}/>`,
      'too_many_attributes',
      0,
    ],
    ['a name without an end', `${open}<${'a'.repeat(300_000)}`, 'token_too_large', 2],
    ['a DOCTYPE without an end', `<!DOCTYPE rss [${'<!-- x -->'.repeat(200_000)}`, 'token_too_large', 0],
    ['JSON cut in an item', '{"items":[{"id":"1"},{"id":"2"},{"id":"3', 'document_truncated', 2],
    ['JSON cut between items', '{"items":[{"id":"1"},{"id":"2"}', 'document_truncated', 2],
    ['JSON with a comma too many', '{"items":[{"id":"1"},{"id":"2"},]}', 'json_malformed', 2],
    ['JSON and then some', '{"items":[{"id":"1"}]} and more', 'json_malformed', 1],
    ['JSON with a name without an end', `{"${'a'.repeat(300_000)}`, 'token_too_large', 0],
    ['JSON nested without an end', `{"a":${'['.repeat(200_000)}`, 'too_deep', 0],
    [
      'JSON nested without an end in an item',
      `{"items":[{"id":"1"},{"a":${'['.repeat(200_000)}`,
      'too_deep',
      1,
    ],
  ])('%s', async (_what, document, reason, items) => {
    const events = await read(document);
    expect(ends(events)).toBe(reason);
    expect(itemsIn(events).length).toBeGreaterThanOrEqual(items);
    const last = events.at(-1)!;
    expect(last).toMatchObject({
      kind: 'broken',
      detail: expect.stringMatching(/^The |^A |^An |^What |^Elements |^Values /) as string,
    });
  });

  it.each<[string, string]>([
    ['a warning before it', `Warning: mysql_connect() in /srv/feed.php\n${rss(some)}`],
    ['white space before it', `\n\n  ${rss(some)}`],
    ['an advertisement behind it', `${rss(some)}<script>var a = 1 && 2 < 3;</script>`],
    [
      'entities of HTML',
      rss(
        '<item><guid>1&nbsp;</guid><title>&eacute;&copy;&unknown;</title></item><item><guid>2</guid></item>',
      ),
    ],
    ['a DTD without entities', rss(some, '<!DOCTYPE rss [<!ELEMENT rss ANY>]>')],
    ['control characters', rss(some.replace('>1<', '>\u00001\u0007<'))],
    ['prefixes that it never declared', rss(some.replace('<guid>', '<dc:creator>x</dc:creator><guid>'))],
    ['attributes that come twice', rss(some.replace('<item>', '<item a="1" a="2">'))],
    ['a declaration that is none', rss(some, '<?xml version="1.0" lang="en"?>')],
    ['a megabyte of nothing between items', rss(some.replace('</item>', `</item>${' '.repeat(3_000_000)}`))],
    ['an endless comment', rss(some.replace('</item>', `</item><!--${'x'.repeat(3_000_000)}-->`))],
  ])('that has %s is read all the same', async (_what, document) => {
    const events = await read(document);
    expect(itemsIn(events).map(({ guid }) => guid.trim())).toEqual(['1', '2']);
    expect(ends(events)).toBe('end');
  });

  it.each<[string, string, string]>([
    ['of 10 MB in one text', `<item><title>${'x'.repeat(10_000_000)}</title></item>`, 'item_too_large'],
    [
      'of 10 MB in CDATA',
      `<item><title><![CDATA[${'x'.repeat(10_000_000)}]]></title></item>`,
      'item_too_large',
    ],
    ['of 10 MB in an attribute', `<item><a b="${'x'.repeat(10_000_000)}"/></item>`, 'item_too_large'],
    ['of 10 MB in a comment', `<item><!--${'x'.repeat(10_000_000)}--></item>`, 'item_too_large'],
    ['of 2 MB in many elements', `<item>${'<b>x</b>'.repeat(250_000)}</item>`, 'item_too_large'],
    ['of 30,000 elements', `<item>${'<b/>'.repeat(30_000)}</item>`, 'item_too_large'],
    ['that is nested', `<item>${'<b>'.repeat(200)}${'</b>'.repeat(200)}</item>`, 'item_too_deep'],
    ['that is empty', '<item></item>', 'item_empty'],
  ])('loses an item %s, and nothing else', async (_what, item, reason) => {
    const events = await read(rss(`<item><guid>1</guid></item>${item}<item><guid>2</guid></item>`));
    expect(events.slice(1).map((event) => (event.kind === 'rejected' ? event.reason : event.kind))).toEqual([
      'item',
      reason,
      'item',
      'end',
    ]);
    expect(itemsIn(events).map(({ position }) => position)).toEqual([1, 3]);
  });

  it.each<[string, string, string]>([
    ['of 10 MB in one text', `{"id":"x","title":"${'x'.repeat(10_000_000)}"}`, 'item_too_large'],
    ['of 10 MB in one number', `{"id":${'1'.repeat(10_000_000)}}`, 'item_too_large'],
    ['of 10 MB in one name', `{"${'x'.repeat(10_000_000)}":1}`, 'item_too_large'],
    ['of 2 MB in many values', `{"id":"x","a":[${'1,'.repeat(1_000_000)}1]}`, 'item_too_large'],
    ['that is nested', `{"id":"x","a":${'['.repeat(200)}${']'.repeat(200)}}`, 'item_too_deep'],
    ['that is a text of 10 MB', `"${'x'.repeat(10_000_000)}"`, 'item_not_an_object'],
  ])('of JSON loses an item %s, and nothing else', async (_what, item, reason) => {
    const events = await read(`{"items":[{"id":"1"},${item},{"id":"2"}]}`);
    expect(events.slice(1).map((event) => (event.kind === 'rejected' ? event.reason : event.kind))).toEqual([
      'item',
      reason,
      'item',
      'end',
    ]);
  });

  it('ends at the limits of bytes and of items', async () => {
    const many = rss('<item><guid>1</guid></item>'.repeat(5_000));
    expect(ends(await read(many, { limits: { maxBytes: 100_000 } }))).toBe('document_too_large');
    const events = await read(many, { limits: { maxItems: 100 } });
    expect(ends(events)).toBe('too_many_items');
    expect(itemsIn(events)).toHaveLength(100);
    const json = JSON.stringify({ items: Array.from({ length: 101 }, (_, id) => ({ id })) });
    expect(itemsIn(await read(json, { limits: { maxItems: 100 } }))).toHaveLength(100);
  });
});

describe('reading', () => {
  const piece = Buffer.from(
    Array.from(
      { length: 200 },
      (_, n) =>
        `<item><guid>${n}</guid><title>A title</title><description>${'words '.repeat(50)}</description></item>`,
    ).join(''),
  );
  async function* large(totalBytes: number): AsyncGenerator<Uint8Array> {
    yield Buffer.from('<rss version="2.0"><channel>');
    for (let bytes = 0; bytes < totalBytes; bytes += piece.length) yield piece;
    yield Buffer.from('</channel></rss>');
  }

  it('takes no more memory for 200 MB than for 20, and lets others have their turn', async () => {
    let turns = 0;
    const turn = setInterval(() => turns++, 5);
    const heldBytes: number[] = [];
    let items = 0;
    for await (const { kind } of readFeed(large(200_000_000), { limits: { maxItems: 1e7 } })) {
      if (kind !== 'item' || ++items % 100_000 !== 0) continue;
      collectGarbage();
      heldBytes.push(process.memoryUsage().heapUsed);
    }
    clearInterval(turn);
    const grownBytes = Math.max(...heldBytes) - heldBytes[0]!;
    process.stdout.write(
      `feed 200MB items=${items} grown=${Math.round(grownBytes / 1e6)}MB turns=${turns}\n`,
    );
    expect(items).toBeGreaterThan(500_000);
    expect(grownBytes).toBeLessThan(10_000_000);
    expect(turns).toBeGreaterThan(50);
  }, 120_000);

  it('asks for bytes only when somebody wants events', async () => {
    let asked = 0;
    const source = async function* () {
      for await (const bytes of large(10_000_000)) {
        asked++;
        yield bytes;
      }
    };
    const events = readFeed(source(), { url });
    for (let taken = 0; taken < 50; taken++) await events.next();
    await nextTurn();
    expect(asked).toBeLessThan(5);
    await events.return();
  });

  it('ends with the reason of its signal, and with the error of its source', async () => {
    const controller = new AbortController();
    const reason = new Error('The import was cancelled.');
    const cancelled = async () => {
      for await (const { kind } of readFeed(large(10_000_000), { signal: controller.signal })) {
        if (kind === 'item') controller.abort(reason);
      }
    };
    await expect(cancelled()).rejects.toBe(reason);
    const lost = new Error('The connection is lost.');
    const broken = async function* () {
      yield Buffer.concat([Buffer.from('<rss><channel>'), piece]);
      throw lost;
    };
    const items: FeedEvent[] = [];
    const failing = async () => {
      for await (const event of readFeed(broken())) items.push(event);
    };
    await expect(failing()).rejects.toBe(lost);
    expect(items.length).toBeGreaterThan(50);
  });
});
