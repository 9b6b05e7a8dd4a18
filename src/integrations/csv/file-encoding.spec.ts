import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ByteSource } from './byte-source';
import { findSigns } from './dialect';
import { findEncoding } from './file-encoding';
import type { TextEncoding } from './rule-words';

describe('how a file is written', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'holdfast-encoding-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** What is found out about a file, and its text as the scanner would see it. */
  async function look(content: Uint8Array | string, given?: TextEncoding, pieceBytes = 1024) {
    const path = join(folder, 'file.csv');
    writeFileSync(path, content);
    const file = openSync(path, 'r');
    try {
      const encoding = await findEncoding(file, given);
      const source = new ByteSource(file, encoding);
      const pieces: Buffer[] = [];
      const target = Buffer.alloc(pieceBytes + 2);
      for (let read = 1; read > 0;) {
        read = source.read(target, 1, pieceBytes);
        pieces.push(Buffer.from(target.subarray(1, 1 + read)));
      }
      return { ...encoding, text: Buffer.concat(pieces).toString('utf8') };
    } finally {
      closeSync(file);
    }
  }

  const long = 'naïve,😀,漢字,plain\n'.repeat(5000);

  it('finds UTF-8 with and without its mark, and cuts no letter in half', async () => {
    expect(await look(long)).toMatchObject({
      encoding: 'utf-8',
      bomBytes: 0,
      mayBeDamaged: false,
      text: long,
    });
    expect(await look(`\uFEFF${long}`)).toMatchObject({ encoding: 'utf-8', bomBytes: 3, text: long });
    const edge = `${'x'.repeat(1024 * 1024 - 1)}é😀${'y'.repeat(1024 * 1024)}ü`;
    expect(await look(edge)).toMatchObject({ encoding: 'utf-8', mayBeDamaged: false });
  });

  it('takes what is no UTF-8 for Windows-1252', async () => {
    const bytes = Buffer.from(
      'Müller,5 €,“q”\n'.repeat(3000).replaceAll('€', '\x80').replaceAll('“', '\x93').replaceAll('”', '\x94'),
      'latin1',
    );
    expect(await look(bytes)).toMatchObject({
      encoding: 'windows-1252',
      text: 'Müller,5 €,“q”\n'.repeat(3000),
    });
  });

  it('takes a few wrong bytes in much UTF-8 for damage, and replaces them', async () => {
    const damaged = Buffer.concat([Buffer.from(long), Buffer.from([0x61, 0xff, 0xc3, 0x0a])]);
    expect(await look(damaged)).toMatchObject({
      encoding: 'utf-8',
      mayBeDamaged: true,
      text: `${long}a\uFFFD\uFFFD\n`,
    });
  });

  it('reads UTF-16 of either kind, with a mark or without one', async () => {
    const text = 'naïve,😀,plain\n'.repeat(2000);
    const little = Buffer.from(text, 'utf16le');
    const big = Buffer.from(little).swap16();
    expect(await look(Buffer.concat([Buffer.from([0xff, 0xfe]), little]))).toMatchObject({
      encoding: 'utf-16le',
      bomBytes: 2,
      text,
    });
    expect(await look(Buffer.concat([Buffer.from([0xfe, 0xff]), big]))).toMatchObject({
      encoding: 'utf-16be',
      bomBytes: 2,
      text,
    });
    expect(await look(little)).toMatchObject({ encoding: 'utf-16le', bomBytes: 0, text });
  });

  it('does as it is told when an encoding is given', async () => {
    expect(await look('é', 'iso-8859-1')).toMatchObject({ encoding: 'iso-8859-1', text: 'Ã©' });
  });

  it('puts a sign in place of NUL, which no database stores', async () => {
    expect(await look('a,b\n1,\0\n'.padEnd(300, 'x'))).toMatchObject({
      mayHaveNul: true,
      text: 'a,b\n1,\x1a\n'.padEnd(300, 'x'),
    });
  });

  it.each([
    ['nothing', '', 'empty_file'],
    ['a workbook', Buffer.from('504b030414000600', 'hex'), 'binary_file'],
    ['a PDF', '%PDF-1.7 …', 'binary_file'],
    ['noise', Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) % 251)), 'binary_file'],
  ])('refuses %s with a word for it', async (_, content, code) => {
    await expect(look(content)).rejects.toMatchObject({ name: 'UnreadableFileError', code });
  });
});

describe('findSigns', () => {
  const find = (text: string) => findSigns(Buffer.from(text));

  it.each([
    ['a,b\n1,2\n', ',', 'lf'],
    ['a;b\r\n1,5;2\r\n', ';', 'crlf'],
    ['a\tb\tc\r1\t2\t3\r', '\t', 'cr'],
    ['a|b\n"x,y,z"|2\n', '|', 'lf'],
    ['name;sum, gross\n"a;b";1,5\nc;2,5\n', ';', 'lf'],
    ['only\n1\n', ',', 'lf'],
    ['a,b;c;d\n1;2;3\n', ';', 'lf'],
  ])('finds the signs of %j', (text, delimiter, newline) => {
    expect(find(text)).toMatchObject({ delimiter, newline, hintBytes: 0 });
  });

  it('takes a line like sep=; at its word', () => {
    expect(find('sep=;\r\na,b;c\r\n')).toEqual({ delimiter: ';', newline: 'crlf', hintBytes: 7 });
  });
});
