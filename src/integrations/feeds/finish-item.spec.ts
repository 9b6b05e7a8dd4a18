import { itemsOf, rss } from '../../../test/support/feed-texts';

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
