import { Readable } from 'node:stream';
import { ofxDate } from './ofx-statement';
import { looksLikeOfx, ofxTokens, type OfxToken } from './ofx-tokens';

const tokensOf = async (text: string | Buffer, size = 1_000_000): Promise<OfxToken[]> => {
  const bytes = Buffer.from(text as string);
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
  const found: OfxToken[] = [];
  for await (const token of ofxTokens(Readable.from(pieces))) found.push(token);
  return found;
};

const sgml = [
  'OFXHEADER:100',
  'DATA:OFXSGML',
  'ENCODING:USASCII',
  'CHARSET:1252',
  '',
  '<OFX><STMT>',
  '<MEMO>Caf\u00e9 &amp; &lt;bar&gt; &#8364;',
  '<EMPTY>',
  '<UNITS> 12.5 ',
  '</STMT></OFX>',
].join('\r\n');

describe('OFX in pieces', () => {
  it('reads version 1, whose values end with the next tag, in the letters of its header', async () => {
    const tokens = await tokensOf(Buffer.from(sgml, 'latin1'));
    expect(tokens).toEqual([
      { tag: 'OFX', isEnd: false, text: '' },
      { tag: 'STMT', isEnd: false, text: '' },
      { tag: 'MEMO', isEnd: false, text: 'Café & <bar> €' },
      { tag: 'EMPTY', isEnd: false, text: '' },
      { tag: 'UNITS', isEnd: false, text: '12.5' },
      { tag: 'STMT', isEnd: true, text: '' },
      { tag: 'OFX', isEnd: true, text: '' },
    ]);
  });

  it('reads version 2, and neither its instructions nor a document type', async () => {
    const xml =
      '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><?OFX VERSION="200"?><OFX><A>&e; ä</A></OFX>';
    const tokens = await tokensOf(xml);
    expect(tokens.filter(({ tag }) => tag === 'A')).toEqual([
      { tag: 'A', isEnd: false, text: '&e; ä' },
      { tag: 'A', isEnd: true, text: '' },
    ]);
  });

  it.each([1, 2, 3, 7, 64])('finds the same in pieces of %d bytes', async (size) => {
    // The header decides about the letters, and comes in the first piece.
    const text = '<OFX><A>äöü &amp; x</A><B>1<C>2</OFX>';
    expect(await tokensOf(text, size)).toEqual(await tokensOf(text));
  });

  it('gives up on what never ends', async () => {
    await expect(tokensOf(`<OFX>${'x'.repeat(100_000)}`, 10_000)).rejects.toThrow('longer than any of OFX');
    await expect(tokensOf(`<${'x'.repeat(100_000)}`, 10_000)).rejects.toThrow('longer than any of OFX');
  });

  it.each([
    ['OFXHEADER:100\r\n', true],
    ['\uFEFFOFXHEADER:100', true],
    ['<?xml version="1.0" encoding="UTF-8"?>\n<?OFX OFXHEADER="200"?>', true],
    ['<OFX>', true],
    ['Date,Symbol,Quantity', false],
    ['<html>', false],
    ['', false],
  ])('tells %j from other files', (text, isOfx) => expect(looksLikeOfx(Buffer.from(text))).toBe(isOfx));

  it.each([
    ['20240131', '2024-01-31T00:00:00.000Z'],
    ['20240131093015', '2024-01-31T09:30:15.000Z'],
    ['20240131093015.250[-5:EST]', '2024-01-31T14:30:15.250Z'],
    ['20240131093015[+5.5:IST]', '2024-01-31T04:00:15.000Z'],
  ])('reads the date %s', (text, iso) => expect(ofxDate(text)?.toISOString()).toBe(iso));

  it.each(['', '20240230', '20241301', '2024013125', '20240131[99]', 'x', undefined])(
    'refuses the date %s',
    (text) => expect(ofxDate(text)).toBeUndefined(),
  );
});
