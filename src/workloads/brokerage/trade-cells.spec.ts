import { amountOf, momentOf, sideOf } from './trade-cells';

describe('cells of trades', () => {
  it.each([
    ['12.50', '12.5'],
    ['1,234.5', '1234.5'],
    ['$1,234,567.89', '1234567.89'],
    ['-$5', '-5'],
    ['(12.5)', '-12.5'],
    ['USD 10', '10'],
    ['.5', '0.5'],
    ['-.5', '-0.5'],
    ['5.', '5'],
    ['0.000000000000000001', '0.000000000000000001'],
    ['+7', '7'],
    ['-0', '0'],
    ['00012', '12'],
  ])('reads the amount %s as %s', (text, amount) => expect(amountOf(text)).toBe(amount));

  it.each([
    '',
    '-',
    '.',
    'x',
    '1e5',
    '1,23',
    '1,2345',
    '12,34,567',
    '1.2.3',
    '(-5)',
    '1'.repeat(21),
    'NaN',
    '0x10',
    '1 2x',
  ])('refuses the amount %s', (text) => expect(amountOf(text)).toBeUndefined());

  it('takes a comma for the point where it is told to', () => {
    expect(amountOf('1.234,5', ',')).toBe('1234.5');
    expect(amountOf('1,234.5', ',')).toBeUndefined();
  });

  it.each([
    ['2024-01-31', '2024-01-31T00:00:00.000Z'],
    ['20240131', '2024-01-31T00:00:00.000Z'],
    ['20240131;093015', '2024-01-31T09:30:15.000Z'],
    ['2024-01-31, 09:30:15', '2024-01-31T09:30:15.000Z'],
    ['2024-01-31T09:30:15.123456Z', '2024-01-31T09:30:15.123Z'],
    ['2024-01-31 09:30:15-05:00', '2024-01-31T14:30:15.000Z'],
    ['1/31/2024', '2024-01-31T00:00:00.000Z'],
    ['01/31/24 9:30 PM', '2024-01-31T21:30:00.000Z'],
    ['01/31/2024 12:05 AM', '2024-01-31T00:05:00.000Z'],
    ['31.01.2024', '2024-01-31T00:00:00.000Z'],
    ['2024-02-29 00:00', '2024-02-29T00:00:00.000Z'],
  ])('reads the moment %s as %s', (text, iso) => expect(momentOf(text)?.toISOString()).toBe(iso));

  it.each([
    '',
    '2024-02-30',
    '2023-02-29',
    '31/01/2024',
    '2024-01-31 25:00',
    '2024-01-31 13:00 PM',
    '1969-12-31',
    '9999-01-01',
    'yesterday',
    '2024-01-31 09:30 Mars',
    '1/2/3/4',
    `2024-01-31 ${' '.repeat(100)}`.concat('x'),
  ])('refuses the moment %s', (text) => expect(momentOf(text)).toBeUndefined());

  it('puts the day first, and clocks into a zone, where it is told to', () => {
    expect(momentOf('31/01/2024', { dateOrder: 'DMY' })?.toISOString()).toBe('2024-01-31T00:00:00.000Z');
    expect(momentOf('2024-07-01 09:30', { timeZone: 'America/New_York' })?.toISOString()).toBe(
      '2024-07-01T13:30:00.000Z',
    );
  });

  it.each([
    ['BUY', 'buy'],
    ['Bought', 'buy'],
    ['Buy to Cover', 'buy'],
    ['YOU SOLD APPLE INC', 'sell'],
    ['Market sell', 'sell'],
    ['sell_short', 'sell'],
    ['SLD', 'sell'],
    ['Dividend', 'other'],
    ['bought and sold', 'other'],
    ['', 'other'],
  ])('takes %s for %s', (text, side) => expect(sideOf(text)).toBe(side));
});
