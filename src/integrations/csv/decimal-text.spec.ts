import fc from 'fast-check';
import { bytesOf } from './cell-text';
import { compareDecimalTexts, DecimalReader } from './decimal-text';

const number = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    fc.stringMatching(/^\d{1,25}$/),
    fc.option(fc.stringMatching(/^\d{1,25}$/)),
  )
  .map(([sign, whole, fraction]) => sign + whole + (fraction === null ? '' : `.${fraction}`));

const exact = (text: string) => {
  const [whole = '', fraction = ''] = text.replace('+', '').split('.');
  return BigInt(`${whole.replace('-', '')}${fraction.padEnd(25, '0')}`) * (text.startsWith('-') ? -1n : 1n);
};

describe('plain decimal numbers', () => {
  it('are compared exactly, however long they are', () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        const difference = exact(a) - exact(b);
        expect(Math.sign(compareDecimalTexts(a, b))).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0);
      }),
      { numRuns: 500 },
    );
  });

  it('are read as JavaScript reads them, as far as a double keeps them apart', () => {
    const reader = new DecimalReader();
    fc.assert(
      fc.property(number, (text) => {
        const bytes = bytesOf(text);
        expect(reader.read(bytes, 0, bytes.length)).toBe(true);
        if (reader.isExact) expect(reader.value).toBe(Number(text));
      }),
      { numRuns: 500 },
    );
  });
});
