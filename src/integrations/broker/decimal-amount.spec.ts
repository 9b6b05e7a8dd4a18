import { decimalAmount, magnitudeOf, negated } from './decimal-amount';

describe('exact amounts', () => {
  it.each([
    ['12.50', '12.5'],
    ['-0.0', '0'],
    ['007', '7'],
    ['+1.000', '1'],
    ['1000', '1000'],
    [5, '5'],
    ['0.000000000000000001', '0.000000000000000001'],
  ])('write %s as %s', (value, text) => expect(decimalAmount(value)).toBe(text));

  it.each([
    '',
    '.5',
    '1.',
    '1e5',
    'NaN',
    '0x1',
    '1,0',
    null,
    undefined,
    {},
    NaN,
    1e21,
    '1'.repeat(21),
    '0.0000000000000000001',
  ])('are not %s', (value) => expect(decimalAmount(value)).toBeUndefined());

  it('change their sign, but for 0', () => {
    expect([negated('5'), negated('-5'), negated('0'), magnitudeOf('-5'), magnitudeOf('5')]).toEqual([
      '-5',
      '5',
      '0',
      '5',
      '5',
    ]);
  });
});
