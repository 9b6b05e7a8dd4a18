import fc from 'fast-check';
import { bytesOf } from './cell-text';
import { hashKey, maxKeyBytes, SeenHashes, writeKey } from './unique-keys';

function keyOf(cells: string[], ignoreCase = false): string {
  const bytes = bytesOf(cells.join(''));
  const ends = Int32Array.from(cells, (_, i) => bytesOf(cells.slice(0, i + 1).join('')).length);
  const starts = Int32Array.from(cells, (_, i) => (i === 0 ? 0 : ends[i - 1]!));
  const empty = Uint8Array.from(cells, (cell) => (cell === '' ? 1 : 0));
  const target = new Uint8Array(maxKeyBytes + 20);
  const row = { bytes, starts, ends, empty, invalid: new Uint8Array(cells.length) };
  const length = writeKey({ kind: 1, cells: cells.map((_, i) => i), ignoreCase }, row, target, 10);
  expect(length).toBeLessThanOrEqual(maxKeyBytes);
  return Buffer.from(target.subarray(10, 10 + length)).toString('latin1');
}

describe('unique keys', () => {
  const cell = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'A', 'ä', 'Ä', '1'), maxLength: 3 }),
    fc.constant('x'.repeat(70)),
  );

  it('are equal exactly when all cells are', () => {
    const rows = fc.array(cell, { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(rows, rows, fc.boolean(), (a, b, ignoreCase) => {
        const same = (text: string) => (ignoreCase ? text.toLowerCase() : text);
        fc.pre(a.join('') !== '' && b.join('') !== '');
        expect(keyOf(a, ignoreCase) === keyOf(b, ignoreCase)).toBe(
          a.every((text, i) => same(text) === same(b[i]!)),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('do not count when every cell is empty', () => {
    expect(keyOf(['', ''])).toBe('');
    expect(keyOf(['', 'a'])).not.toBe(keyOf(['a', '']));
  });

  it('are never forgotten by the filter, and few others are taken for them', () => {
    const seen = new SeenHashes(20_000, 1024 * 1024);
    const hash = (text: string) => hashKey(bytesOf(text), 0, text.length, 0);
    const twice = new Set<string>();
    for (let i = 0; i < 20_000; i++) {
      seen.add(hash(`key-${i}`));
      if (i % 100 === 0) twice.add(`key-${i}`);
    }
    for (const key of twice) seen.add(hash(key));
    for (const key of twice) expect(seen.mayRepeat(hash(key))).toBe(true);
    const others = Array.from({ length: 20_000 }, (_, i) => `key-${i}`).filter((key) => !twice.has(key));
    expect(others.filter((key) => seen.mayRepeat(hash(key))).length).toBeLessThan(2_000);
  });
});
