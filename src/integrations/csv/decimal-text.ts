const plus = 43;
const minus = 45;
const zero = 48;
/** With so many digits every decimal number has a double of its own, so doubles compare like the texts. */
const exactDigits = 15;
/** And with so many their digits fit into a small integer. */
const smallDigits = 9;
const powersOfTen = Float64Array.from({ length: 23 }, (_, power) => 10 ** power);

/**
 * Reads plain decimal numbers (`-12.50`: a sign, digits, at most one separator) straight from bytes; no exponent,
 * no thousands sign. After a successful `read` the other fields describe the number.
 */
export class DecimalReader {
  value = 0;
  digits = 0;
  fractionDigits = 0;
  /** False when the number has more digits than a double keeps apart; compare the texts then. */
  isExact = true;
  private readonly separator: number;

  constructor(separator: '.' | ',' = '.') {
    this.separator = separator.charCodeAt(0) - zero;
  }

  read(bytes: Uint8Array, start: number, end: number): boolean {
    const sign = bytes[start]!;
    const first = sign === minus || sign === plus ? start + 1 : start;
    let at = first;
    // Zeros in front are no digits of the number, but for a last one.
    while (at + 1 < end && bytes[at] === zero) at++;
    const { separator } = this;
    let mantissa = 0;
    let digits = 0;
    let separatorAt = 0;
    for (; at < end; at++) {
      const digit = bytes[at]! - zero;
      if (digit >= 0 && digit <= 9) {
        digits++;
        if (digits <= smallDigits) mantissa = (mantissa * 10 + digit) | 0;
      } else if (digit === separator && separatorAt === 0 && at > first && at + 1 < end) separatorAt = at;
      else return false;
    }
    if (digits === 0) return false;
    this.digits = digits;
    this.fractionDigits = separatorAt === 0 ? 0 : end - separatorAt - 1;
    this.isExact = digits <= exactDigits;
    const whole =
      digits <= smallDigits ? mantissa : this.isExact ? mantissaOf(bytes, first, end) : Number.NaN;
    const value = this.fractionDigits === 0 ? whole : whole / powersOfTen[Math.min(this.fractionDigits, 22)]!;
    this.value = sign === minus ? -value : value;
    return true;
  }
}

function mantissaOf(bytes: Uint8Array, start: number, end: number): number {
  let mantissa = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - zero;
    if (digit >= 0) mantissa = mantissa * 10 + digit;
  }
  return mantissa;
}

/** Compares two plain decimal numbers of any length, `.` before the fraction: negative, zero or positive. */
export function compareDecimalTexts(left: string, right: string): number {
  const a = partsOf(left);
  const b = partsOf(right);
  if (a.isNegative !== b.isNegative) return a.isNegative ? -1 : 1;
  const width = Math.max(a.fraction.length, b.fraction.length);
  const leftDigits = BigInt(a.whole + a.fraction.padEnd(width, '0'));
  const rightDigits = BigInt(b.whole + b.fraction.padEnd(width, '0'));
  const order = leftDigits < rightDigits ? -1 : leftDigits > rightDigits ? 1 : 0;
  return a.isNegative ? 0 - order : order;
}

/** Whether a text is a plain decimal number with `.` before the fraction. */
export function isDecimalText(text: string): boolean {
  return /^[+-]?\d+(\.\d+)?$/.test(text);
}

function partsOf(text: string): { isNegative: boolean; whole: string; fraction: string } {
  const [whole = '0', fraction = ''] = text.replace(/^[+-]/, '').split('.');
  const isZero = /^0*$/.test(whole + fraction);
  return { isNegative: text.startsWith('-') && !isZero, whole, fraction };
}
