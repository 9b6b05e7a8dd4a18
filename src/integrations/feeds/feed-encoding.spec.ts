import { bytesOf, itemsIn, itemsOf, rss, url } from '../../../test/support/feed-texts';
import type { FeedEvent } from './feed-event';
import { readFeed } from './read-feed';

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
