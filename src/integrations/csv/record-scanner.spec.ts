import fc from 'fast-check';
import { textOf } from './cell-text';
import { recordFlags } from './cell-splitter';
import { RecordScanner, type ScannerOptions } from './record-scanner';
import { UnreadableFileError } from './unreadable-file';

interface Read {
  cells: string[];
  flags: number;
  line: number;
  count: number;
}

/** Feeds bytes in pieces of the given sizes (again and again) and reads every record. */
function read(bytes: Uint8Array, sizes: number[] = [65_536], options: Partial<ScannerOptions> = {}): Read[] {
  const scanner = new RecordScanner({ delimiter: 44, ...options });
  const records: Read[] = [];
  const drain = () => {
    while (scanner.next()) {
      const { count, starts, ends, flags, line } = scanner;
      const cells = Array.from({ length: Math.min(count, 2048) }, (_, i) =>
        textOf(scanner.bytes, starts[i]!, ends[i]!),
      );
      records.push({ cells, flags, line, count });
    }
  };
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const { offset, length } = scanner.room();
    const part = bytes.subarray(at, at + Math.min(sizes[turn % sizes.length]!, length));
    scanner.bytes.set(part, offset);
    scanner.filled(part.length);
    at += part.length;
    drain();
  }
  scanner.end();
  drain();
  return records;
}

const cellsIn = (text: string, options?: Partial<ScannerOptions>) =>
  read(Buffer.from(text), [65_536], options).map(({ cells }) => cells);

const write = (rows: string[][], newline: string, delimiter: string, quoteAll: boolean): Buffer => {
  const cell = (text: string) =>
    quoteAll || text === '' || /["\r\n]/.test(text) || text.includes(delimiter)
      ? `"${text.replaceAll('"', '""')}"`
      : text;
  return Buffer.from(rows.map((row) => row.map(cell).join(delimiter) + newline).join(''));
};

const text = fc.string({
  unit: fc.constantFrom('a', 'é', '漢', '😀', '"', ',', ';', '\n', '\r\n', '\r', ' ', "'", '='),
  maxLength: 12,
});
const table = fc.array(fc.array(text, { minLength: 1, maxLength: 5 }), { maxLength: 12 });

describe('RecordScanner', () => {
  it('reads back whatever a correct writer wrote', () => {
    fc.assert(
      fc.property(
        table,
        fc.constantFrom('\n', '\r\n'),
        fc.constantFrom(',', ';'),
        fc.boolean(),
        (rows, newline, delimiter, all) => {
          const records = read(write(rows, newline, delimiter, all), [65_536], {
            delimiter: delimiter.charCodeAt(0),
          });
          expect(records.map(({ cells }) => cells)).toEqual(rows);
          expect(records.every(({ flags }) => flags === 0)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('reads the same however the bytes of any text are cut into pieces', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('a', '"', '"', ',', '\n', '\r\n', '\r', 'é', '😀'),
          maxLength: 60,
        }),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 }),
        (any, sizes) => {
          const bytes = Buffer.from(any);
          expect(read(bytes, sizes)).toEqual(read(bytes));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('passes over empty lines and counts lines as an editor does', () => {
    const records = read(Buffer.from('a,b\r\n\r\n"x\r\ny",2\r\n\r\nlast,3'));
    expect(records.map(({ cells, line }) => [line, ...cells])).toEqual([
      [1, 'a', 'b'],
      [3, 'x\r\ny', '2'],
      [6, 'last', '3'],
    ]);
  });

  it('ends lines at a lone CR only when it is told to', () => {
    expect(cellsIn('a,b\rc,d\r', { returnEndsLine: true })).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    const [record] = read(Buffer.from('a,b\rc,d\n'));
    expect(record).toMatchObject({ cells: ['a', 'b\rc', 'd'], flags: recordFlags.loneReturn });
  });

  it('keeps the damage of a quote that is never closed within its line', () => {
    const records = read(Buffer.from('1,"a\n2,b\n3,"c"\n4,d\n'));
    expect(records.map(({ cells, flags }) => [flags, ...cells])).toEqual([
      [recordFlags.unterminatedQuote, '1', '"a'],
      [0, '2', 'b'],
      [0, '3', 'c'],
      [0, '4', 'd'],
    ]);
  });

  it('does so at the end of the file and after the longest record too', () => {
    expect(read(Buffer.from('1,"a\n2,b')).map(({ cells }) => cells)).toEqual([
      ['1', '"a'],
      ['2', 'b'],
    ]);
    const rows = Array.from({ length: 300 }, (_, i) => `${i},b\n`).join('');
    const records = read(Buffer.from(`0,"a\n${rows}`), [100], { maxRecordBytes: 500 });
    expect(records).toHaveLength(301);
    expect(records[0]).toMatchObject({ cells: ['0', '"a'], flags: recordFlags.unterminatedQuote });
  });

  it('tells stray quotes and text behind a closing quote apart', () => {
    expect(read(Buffer.from('5" pipe,"a"b,c\n'))[0]).toMatchObject({
      cells: ['5" pipe', '"a"b', 'c'],
      flags: recordFlags.strayQuote | recordFlags.textAfterQuote,
    });
  });

  it('refuses a record above its limit and names the line', () => {
    const bytes = Buffer.from(`a\n${'x'.repeat(2000)}\n`);
    expect(() => read(bytes, [64], { maxRecordBytes: 1024 })).toThrow(UnreadableFileError);
    expect(() => read(bytes, [64], { maxRecordBytes: 1024 })).toThrow(
      /begins on line 2 is longer than 1 KiB/,
    );
  });

  it('counts more cells than it keeps', () => {
    expect(read(Buffer.from(`${','.repeat(9999)}\na,b\n`)).map(({ count }) => count)).toEqual([10_000, 2]);
  });
});
