import { itemsIn, read } from '../../../test/support/feed-texts';

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
});
