const shape = /^([+-]?)(\d{1,40})(?:\.(\d{1,40}))?$/;
// As the columns that keep them: numeric(38, 18).
const MAX_WHOLE_DIGITS = 20;
const MAX_PLACES = 18;

/**
 * A decimal number in one spelling (`-12.5`, `0`), exact; undefined for what is no plain decimal, and for what has more
 * than 20 digits before the point or 18 after it.
 */
export function decimalAmount(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text.length > 60) return undefined;
  const [, sign = '', digits = '', fraction = ''] = shape.exec(text.trim()) ?? [];
  const whole = digits.replace(/^0+(?=\d)/, '');
  const places = withoutLastZeros(fraction);
  if (whole === '' || whole.length > MAX_WHOLE_DIGITS || places.length > MAX_PLACES) return undefined;
  const magnitude = places === '' ? whole : `${whole}.${places}`;
  return sign === '-' && magnitude !== '0' ? `-${magnitude}` : magnitude;
}

function withoutLastZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  return digits.slice(0, end);
}

/** The same amount with the other sign. */
export function negated(amount: string): string {
  if (amount === '0') return amount;
  return amount.startsWith('-') ? amount.slice(1) : `-${amount}`;
}

/** The amount without its sign. */
export function magnitudeOf(amount: string): string {
  return amount.startsWith('-') ? amount.slice(1) : amount;
}
