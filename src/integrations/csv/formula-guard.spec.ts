import fc from 'fast-check';
import { bytesOf } from './cell-text';
import { isGuarded, needsGuard } from './formula-guard';

const guarded = (text: string) => {
  const bytes = bytesOf(text);
  return needsGuard(bytes, 0, bytes.length) ? `'${text}` : text;
};
const unguarded = (text: string) => {
  const bytes = bytesOf(text);
  return isGuarded(bytes, 0, bytes.length) ? text.slice(1) : text;
};

describe('the guard before formulas', () => {
  it('comes off again exactly where it was put, whatever the text', () => {
    const any = fc.string({
      unit: fc.constantFrom("'", '=', '+', '-', '@', '\t', '\r', '1', '.', 'a'),
      maxLength: 6,
    });
    fc.assert(
      fc.property(any, (text) => expect(unguarded(guarded(text))).toBe(text)),
      { numRuns: 2000 },
    );
  });

  it('leaves nothing that a spreadsheet would run, and never touches a number', () => {
    for (const text of ['=1+1', '+cmd', '-2+3', '@SUM(A1)', '\tx', '\rx', "'=1", '-', '+1 2', '-1.2.3']) {
      expect(guarded(text)).toBe(`'${text}`);
    }
    for (const text of ['-5', '+49', '-12.50', '-0,25', 'a=b', "o'neil", "'", '', '5-3'])
      expect(guarded(text)).toBe(text);
  });
});
