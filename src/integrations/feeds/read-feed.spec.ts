import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectGarbage } from '../../platform/process-memory/collect-garbage';
import type { FeedEvent } from './feed-event';
import type { FeedItem } from './feed-item';
import { readFeed, type FeedHints } from './read-feed';

const url = 'https://news.example.org/feeds/all.xml';

async function* bytesOf(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part;
}

async function read(document: string | Uint8Array, hints: FeedHints = {}): Promise<FeedEvent[]> {
  const events: FeedEvent[] = [];
  for await (const event of readFeed(bytesOf(document), { url, ...hints })) events.push(event);
  return events;
}

const itemsIn = (events: FeedEvent[]): FeedItem[] =>
  events.flatMap((event) => (event.kind === 'item' ? [event.item] : []));

async function itemsOf(document: string | Uint8Array, hints: FeedHints = {}): Promise<FeedItem[]> {
  return itemsIn(await read(document, hints));
}

const rss = (inside: string, before = '<?xml version="1.0"?>') =>
  `${before}<rss version="2.0"><channel><title>News</title>${inside}</channel></rss>`;
const ends = (events: FeedEvent[]) => {
  const last = events.at(-1)!;
  return last.kind === 'broken' ? last.reason : last.kind;
};

describe('a feed', () => {
  it('of RSS 2.0 gives all that its item says', async () => {
    const document = `<rss version="2.0" xmlns:c="http://purl.org/rss/1.0/modules/content/"
      xmlns:d="http://purl.org/dc/elements/1.1/" xmlns:m="http://search.yahoo.com/mrss/" xmlns:a="http://www.w3.org/2005/Atom">
      <channel><title>News &amp; more</title><link>/</link><description>All of it</description><language>en-GB</language>
      <a:link rel="self" href="https://elsewhere.example.org/"/>
      <item>
        <guid isPermaLink="false"> job-1 </guid><title>Cooks &lt;wanted&gt;</title><link>/jobs/1?a=1&b=2</link>
        <description>&lt;p&gt;Short&lt;/p&gt;</description><c:encoded><![CDATA[<p>Long & <b>bold</b></p>]]></c:encoded>
        <author>jane@example.org (Jane Doe)</author><d:creator>John Roe</d:creator>
        <category>food</category><category>food</category><category domain="x">work</category>
        <pubDate>Tue, 03 Jan 2023 10:00:00 +0100</pubDate>
        <enclosure url="https://cdn.example.org/a.mp3" type="audio/mpeg" length="123"/>
        <m:group><m:content url="https://cdn.example.org/b.mp4" type="video/mp4" fileSize="456"/></m:group>
      </item></channel></rss>`;
    const [feed, item, end] = await read(document);
    expect(feed).toEqual({
      kind: 'feed',
      format: 'rss-2.0',
      title: 'News & more',
      description: 'All of it',
      language: 'en-GB',
      link: 'https://news.example.org/',
      encoding: 'utf-8',
    });
    expect(item).toEqual({
      kind: 'item',
      item: {
        position: 1,
        guid: 'job-1',
        guidFrom: 'guid',
        title: 'Cooks <wanted>',
        link: 'https://news.example.org/jobs/1?a=1&b=2',
        summary: { type: 'html', value: '<p>Short</p>' },
        content: { type: 'html', value: '<p>Long & <b>bold</b></p>' },
        authors: [
          { name: 'Jane Doe', email: 'jane@example.org', url: null },
          { name: 'John Roe', email: null, url: null },
        ],
        categories: ['food', 'work'],
        publishedAt: '2023-01-03T09:00:00.000Z',
        updatedAt: null,
        enclosures: [
          { url: 'https://cdn.example.org/a.mp3', type: 'audio/mpeg', lengthBytes: 123 },
          { url: 'https://cdn.example.org/b.mp4', type: 'video/mp4', lengthBytes: 456 },
        ],
        fields: {},
        notes: [],
        fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      },
    });
    expect(end).toEqual({ kind: 'end', items: 1, rejected: 0, next: null });
  });

  it('of Atom gives all that its entry says, under whatever prefix', async () => {
    const document = `<f:feed xmlns:f="http://www.w3.org/2005/Atom" xml:lang="de" xml:base="https://blog.example.org/de/">
      <f:title type="html">A &amp;amp; B</f:title><f:link href="/start"/><f:link rel="next" href="?page=2"/>
      <f:entry xml:base="2023/"><f:id>tag:example.org,2023:1</f:id>
        <f:title type="html">An &lt;em&gt;old&lt;/em&gt; caf&amp;eacute;</f:title>
        <f:link rel="edit" href="/edit/1"/><f:link href="one.html"/><f:link rel="enclosure" href="one.mp3" type="audio/mpeg" length="9"/>
        <f:summary>1 &lt; 2</f:summary>
        <f:content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p class="a&quot;b">Text &amp; <br/>more</p></div></f:content>
        <f:author><f:name>Jane</f:name><f:email>j@example.org</f:email><f:uri>https://jane.example.org/</f:uri></f:author>
        <f:category term="x" label="The X"/><f:published>2023-01-03T10:00:00Z</f:published><f:updated>2023-02-03T10:00:00Z</f:updated>
        <f:source><f:title>Another feed</f:title><f:id>other</f:id></f:source>
      </f:entry></f:feed>`;
    const events = await read(document);
    expect(events[0]).toMatchObject({
      format: 'atom-1.0',
      title: 'A & B',
      language: 'de',
      link: 'https://blog.example.org/start',
    });
    expect(itemsIn(events)[0]).toMatchObject({
      guid: 'tag:example.org,2023:1',
      title: 'An old café',
      link: 'https://news.example.org/feeds/2023/one.html',
      summary: { type: 'text', value: '1 < 2' },
      content: { type: 'html', value: '<p class="a&quot;b">Text &amp; <br>more</p>' },
      authors: [{ name: 'Jane', email: 'j@example.org', url: 'https://jane.example.org/' }],
      categories: ['The X'],
      publishedAt: '2023-01-03T10:00:00.000Z',
      updatedAt: '2023-02-03T10:00:00.000Z',
      enclosures: [{ type: 'audio/mpeg', lengthBytes: 9 }],
    });
    expect(events.at(-1)).toMatchObject({ next: 'https://blog.example.org/de/?page=2' });
  });

  it.each([
    [
      'rss-0.90',
      '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/"><channel><title>News</title></channel><item><title>A</title><link>https://e.org/a</link></item></rdf:RDF>',
    ],
    [
      'rss-0.91',
      '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd"><rss version="0.91"><channel><title>News</title><item><title>A</title><link>https://e.org/a</link></item></channel></rss>',
    ],
    [
      'rss-0.92',
      '<rss version="0.92"><channel><title>News</title><item><title>A</title><link>https://e.org/a</link></item></channel></rss>',
    ],
    [
      'rss-1.0',
      '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel r:about="x"><title>News</title></channel><item r:about="https://e.org/a"><title>A</title><link>https://e.org/a</link></item></r:RDF>',
    ],
    [
      'atom-0.3',
      '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>News</title><entry><title>A</title><link rel="alternate" href="https://e.org/a"/></entry></feed>',
    ],
    [
      'json-feed-1.0',
      '{"version":"https://jsonfeed.org/version/1","title":"News","items":[{"id":"https://e.org/a","title":"A"}]}',
    ],
    [
      'json-feed-1.1',
      '{"version":"https://jsonfeed.org/version/1.1","title":"News","items":[{"id":1,"title":"A","url":"https://e.org/a"}]}',
    ],
  ])('of %s is known as such', async (format, document) => {
    const [feed, item, end] = await read(document);
    expect(feed).toMatchObject({ kind: 'feed', format, title: 'News' });
    expect(item).toMatchObject({ item: { title: 'A', link: 'https://e.org/a' } });
    expect(end).toMatchObject({ kind: 'end', items: 1 });
  });

  it('of JSON gives all that its item says', async () => {
    const item = {
      id: 12345678901234567890n.toString(),
      url: '/1',
      title: 'One',
      content_html: '<p>1</p>',
      summary: 'One.',
      date_published: '2023-01-03T10:00:00+01:00',
      date_modified: 'soon',
      tags: ['a', 'b'],
      authors: [{ name: 'Jane', url: 'https://jane.example.org/' }],
      attachments: [{ url: 'https://cdn.example.org/a.mp3', mime_type: 'audio/mpeg', size_in_bytes: 5 }],
    };
    const document = JSON.stringify({
      version: 'https://jsonfeed.org/version/1.1',
      items: [item],
      next_url: '/2',
    });
    const events = await read(document.replace('"12345678901234567890"', '12345678901234567890'));
    expect(itemsIn(events)[0]).toMatchObject({
      guid: '12345678901234567890',
      link: 'https://news.example.org/1',
      title: 'One',
      summary: { type: 'text', value: 'One.' },
      content: { type: 'html', value: '<p>1</p>' },
      authors: [{ name: 'Jane', email: null, url: 'https://jane.example.org/' }],
      categories: ['a', 'b'],
      publishedAt: '2023-01-03T09:00:00.000Z',
      updatedAt: null,
      notes: ['updated_at_unreadable'],
      enclosures: [{ url: 'https://cdn.example.org/a.mp3', type: 'audio/mpeg', lengthBytes: 5 }],
    });
    expect(events.at(-1)).toMatchObject({ kind: 'end', next: '/2' });
  });

  describe('that is JSON of some other kind is read by a mapping', () => {
    const job = {
      key: 7,
      name: 'Cook',
      href: '/jobs/7',
      text: '<p>Cook</p>',
      posted: 1_672_740_000,
      tags: [{ name: 'food' }, { name: 'work' }],
      company: { name: 'Inn', 'a/b~c': true },
      salary: null,
      places: ['Rome', 'Bern'],
    };
    const mapping = {
      list: '/data/jobs',
      guid: '/key',
      title: '/name',
      link: '/href',
      content: '/text',
      publishedAt: '/posted',
      textType: 'html' as const,
      categories: '/tags/*/name',
      author: '/company/name',
      feedTitle: '/name',
      fields: {
        remote: '/company/a~1b~0c',
        salary: '/salary',
        places: '/places',
        first: '/places/0',
        none: '/x/y',
        tags: '/tags/*/name',
      },
    };

    it('to the last field', async () => {
      const document = JSON.stringify({ name: 'Jobs', other: [[{}], { items: [1] }], data: { jobs: [job] } });
      const [feed, item] = await read(document, { mapping });
      expect(feed).toMatchObject({ format: 'mapped-json', title: 'Jobs' });
      expect(item).toMatchObject({
        item: {
          guid: '7',
          title: 'Cook',
          link: 'https://news.example.org/jobs/7',
          content: { type: 'html', value: '<p>Cook</p>' },
          authors: [{ name: 'Inn', email: null, url: null }],
          categories: ['food', 'work'],
          publishedAt: '2023-01-03T10:00:00.000Z',
          fields: {
            remote: true,
            salary: null,
            places: ['Rome', 'Bern'],
            first: 'Rome',
            none: null,
            tags: ['food', 'work'],
          },
        },
      });
    });

    it.each<[string, object, string, string[]]>([
      ['a bare list', [{ key: 1 }, { key: 2 }], '', ['1', '2']],
      ['an object whose members are items', { a: { name: 'A' }, b: { name: 'B' } }, '', ['a', 'b']],
      [
        'lists in a list',
        { groups: [{ jobs: [{ key: 1 }] }, {}, { jobs: [{ key: 2 }] }] },
        '/groups/*/jobs',
        ['1', '2'],
      ],
      ['an empty list', { data: { jobs: [] } }, '/data/jobs', []],
      ['null instead of a list', { data: { jobs: null } }, '/data/jobs', []],
    ])('in %s', async (_what, document, list, guids) => {
      const events = await read(JSON.stringify(document), { mapping: { ...mapping, list } });
      expect(itemsIn(events).map(({ guid }) => guid)).toEqual(guids);
      expect(ends(events)).toBe('end');
    });

    it('and leaves out what is no item', async () => {
      const document = '[{"key":1},2,"three",[4],null,{},{"key":5}]';
      const events = await read(document, { mapping: { ...mapping, list: '' } });
      expect(
        events.flatMap((event) => (event.kind === 'rejected' ? [[event.position, event.reason]] : [])),
      ).toEqual([...[2, 3, 4, 5].map((position) => [position, 'item_not_an_object']), [6, 'item_empty']]);
      expect(events.at(-1)).toEqual({ kind: 'end', items: 2, rejected: 5, next: null });
    });

    it.each([
      ['{"data":{"jobs":7}}', mapping, 'mapped_list_missing'],
      ['{"jobs":[]}', mapping, 'mapped_list_missing'],
      ['{"jobs":[]}', undefined, 'mapping_missing'],
      ['[1]', undefined, 'mapping_missing'],
      [rss(''), mapping, 'document_not_a_feed'],
      ['<!DOCTYPE html><html></html>', mapping, 'document_is_html'],
    ])('%s is not what was declared', async (document, declared, reason) => {
      expect(ends(await read(document, declared === undefined ? {} : { mapping: declared }))).toBe(reason);
    });
  });
});

describe('an item', () => {
  it('without an id goes by its link, and without a link by what it says', async () => {
    const items = await itemsOf(
      rss(
        '<item><title>A</title><link>https://e.org/a</link></item><item><title>B</title></item><item><title>C</title></item>',
      ),
    );
    expect(items.map(({ guidFrom }) => guidFrom)).toEqual(['link', 'content', 'content']);
    expect(items[0]!.guid).toBe('https://e.org/a');
    expect(items[1]!.guid).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(items[1]!.guid).not.toBe(items[2]!.guid);
  });

  it('is called what the feed calls it, whatever other vocabularies say before', async () => {
    const [item] = await itemsOf(
      rss(
        '<item><itunes:title>iTunes</itunes:title><media:content url="https://e.org/a.mp4"><media:title>Media</media:title></media:content>' +
          '<dc:date>2020-01-01</dc:date><title></title><title>Own</title><pubDate></pubDate><dc:title>DC</dc:title></item>',
      ),
    );
    expect(item).toMatchObject({ title: 'Own', publishedAt: '2020-01-01T00:00:00.000Z' });
    const [other] = await itemsOf(rss('<item><itunes:title>iTunes</itunes:title><guid>1</guid></item>'));
    expect(other!.title).toBe('iTunes');
  });

  it('has the address that its id is, unless that is declared to be none', async () => {
    const items = await itemsOf(
      rss(
        '<item><guid>https://e.org/a</guid></item><item><guid isPermaLink="false">https://e.org/b</guid></item>',
      ),
    );
    expect(items.map(({ link }) => link)).toEqual(['https://e.org/a', null]);
  });

  it('is the same as long as it says the same, wherever it stands', async () => {
    const one = '<item><guid>1</guid><title>One</title></item>';
    const two = '<item><guid>2</guid><title>One</title></item>';
    const [a, b] = await itemsOf(rss(one + two));
    const [c, d] = await itemsOf(rss(two + one));
    expect([d!.fingerprint, c!.fingerprint]).toEqual([a!.fingerprint, b!.fingerprint]);
    expect(a!.fingerprint).not.toBe(b!.fingerprint);
    const [changed] = await itemsOf(rss('<item><guid>1</guid><title>One!</title></item>'));
    expect(changed!.fingerprint).not.toBe(a!.fingerprint);
  });

  it('that comes twice is given twice: whoever stores it knows what he has', async () => {
    const items = await itemsOf(rss('<item><guid>1</guid></item><item><guid>1</guid></item>'));
    expect(items.map(({ guid, position }) => [guid, position])).toEqual([
      ['1', 1],
      ['1', 2],
    ]);
  });

  it.each([
    'javascript:alert(1)',
    'file:///etc/passwd',
    'https://user:secret@e.org/',
    `https://e.org/${'a'.repeat(3_000)}`,
  ])('keeps no address such as %s', async (link) => {
    const [item] = await itemsOf(
      rss(`<item><guid>1</guid><link>${link}</link><enclosure url="${link}"/></item>`),
    );
    expect(item).toMatchObject({ link: null, enclosures: [], notes: ['link_refused', 'enclosure_refused'] });
  });

  it('is cut where it is too long, and says so', async () => {
    const [item] = await itemsOf(
      rss(
        `<item><guid>${'g'.repeat(5_000)}</guid><description>${'d'.repeat(70_000)}</description>` +
          `${Array.from({ length: 150 }, (_, n) => `<category>${n}</category>`).join('')}<pubDate>soon</pubDate></item>`,
      ),
    );
    expect(item!.guid).toMatch(/^sha256:/);
    expect(item!.summary!.value).toHaveLength(65_536);
    expect(item!.categories).toHaveLength(100);
    expect(item!.notes).toEqual(['text_cut', 'list_cut', 'published_at_unreadable']);
  });

  it('holds nothing that a database refuses', async () => {
    const title = (text: string) => `<item><guid>1</guid><title>${text}</title></item>`;
    for (const document of [
      rss(title('a\u0000b\u0007c')),
      rss(title('a&#0;b&#7;c')),
      JSON.stringify({ items: [{ id: '1', title: 'a\u0000b\u0007c\ud800' }] }),
    ]) {
      const [item] = await itemsOf(document);
      expect(JSON.stringify(item)).not.toMatch(/\\u0000|\\ud800|\0/);
    }
  });

  it('cannot reach the prototypes of this server', async () => {
    const document =
      '[{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"id":"1","title":"A"}]';
    const mapping = { list: '', guid: '/id', fields: { a: '/__proto__/polluted', b: '/toString/name' } };
    const [item] = await itemsOf(document, { mapping });
    expect(item!.fields).toEqual({ a: 1, b: null });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(
      (
        await itemsOf(rss('<item constructor="1"><__proto__>x</__proto__><toString/><guid>1</guid></item>'))
      )[0]!.guid,
    ).toBe('1');
  });
});

describe('a document in some encoding', () => {
  const letters = 'Zoë – 5 €';
  const document = (label: string) =>
    `<?xml version="1.0"${label}?><rss><channel><item><title>${letters}</title></item></channel></rss>`;
  const latin = (text: string) =>
    Buffer.from([...text].map((sign) => ({ '–': 0x96, '€': 0x80 })[sign] ?? sign.charCodeAt(0)));
  const declared = (name: string) => ` encoding="${name}"`;

  it.each<[string, Uint8Array, string | undefined, string]>([
    ['UTF-8 without a word', Buffer.from(document('')), undefined, 'utf-8'],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${document('')}`), 'text/xml; charset=iso-8859-1', 'utf-8'],
    ['windows-1252 without a word', latin(document('')), undefined, 'windows-1252'],
    ['windows-1252 by declaration', latin(document(declared('ISO-8859-1'))), 'text/xml', 'windows-1252'],
    ['windows-1252 by header', latin(document('')), 'text/xml; charset="windows-1252"', 'windows-1252'],
    [
      'windows-1252 called UTF-8',
      latin(document(declared('utf-8'))),
      'text/xml; charset=utf-8',
      'windows-1252',
    ],
    ['UTF-8 called windows-1252', Buffer.from(document(declared('windows-1252'))), undefined, 'utf-8'],
    [
      'UTF-8 under a name that nobody knows',
      Buffer.from(document(declared('klingon'))),
      'text/xml; charset=x-y',
      'utf-8',
    ],
    [
      'UTF-16 with a mark',
      Buffer.from(`\ufeff${document(declared('utf-16'))}`, 'utf16le'),
      undefined,
      'utf-16le',
    ],
    ['UTF-16 without a mark', Buffer.from(document(declared('utf-16')), 'utf16le'), undefined, 'utf-16le'],
    [
      'UTF-16, big end first',
      Buffer.from(`\ufeff${document('')}`, 'utf16le').swap16(),
      undefined,
      'utf-16be',
    ],
    ['UTF-8 called UTF-16', Buffer.from(document(declared('utf-16'))), undefined, 'utf-8'],
  ])('%s', async (_what, bytes, contentType, encoding) => {
    const hints = { url, ...(contentType !== undefined && { contentType }) };
    for (const parts of [[bytes], [...bytes].map((byte) => Uint8Array.of(byte))]) {
      const events: FeedEvent[] = [];
      for await (const event of readFeed(bytesOf(...parts), hints)) events.push(event);
      expect(events[0]).toMatchObject({ kind: 'feed', encoding });
      expect(itemsIn(events)[0]!.title).toBe(letters);
    }
  });

  it.each([
    ['shift_jis', [0x93, 0xfa, 0x96, 0x7b], '日本'],
    ['euc-kr', [0xc7, 0xd1, 0xb1, 0xdb], '한글'],
    ['gbk', [0xd6, 0xd0, 0xce, 0xc4], '中文'],
    ['koi8-r', [0xed, 0xc9, 0xd2], 'Мир'],
  ])('%s', async (label, bytes, title) => {
    const [before, after] = document(declared(label)).split(letters) as [string, string];
    const [item] = await itemsOf(
      Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]),
    );
    expect(item!.title).toBe(title);
  });

  it('is read by the encoding of its first foreign letters, however late they come', async () => {
    const many = '<item><title>plain</title></item>'.repeat(5_000);
    const items = await itemsOf(latin(document('').replace('<item>', `${many}<item>`)));
    expect(items.at(-1)!.title).toBe(letters);
    const [before, after] = rss(`${many}<item><title>Zoë ë ë ?</title></item>`).split('?</title>') as [
      string,
      string,
    ];
    const damaged = Buffer.concat([
      Buffer.from(before),
      Uint8Array.of(0xff),
      Buffer.from(`</title>${after}`),
    ]);
    expect((await itemsOf(damaged)).at(-1)!.title).toBe('Zoë ë ë \ufffd');
  });
});

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
    let latestAt = performance.now();
    let longestMs = 0;
    const turn = setInterval(() => {
      turns++;
      longestMs = Math.max(longestMs, performance.now() - latestAt);
      latestAt = performance.now();
    }, 5);
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
      `feed 200MB items=${items} grown=${Math.round(grownBytes / 1e6)}MB turns=${turns} longest=${Math.round(longestMs)}ms\n`,
    );
    expect(items).toBeGreaterThan(500_000);
    expect(grownBytes).toBeLessThan(10_000_000);
    expect(turns).toBeGreaterThan(50);
    expect(longestMs).toBeLessThan(1_000);
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
