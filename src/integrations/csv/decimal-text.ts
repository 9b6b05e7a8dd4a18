const plus = 43;
const minus = 45;
const zero = 48;
const nine = 57;
/** With so many digits every decimal number has a double of its own, so doubles compare like the texts. */
const exactDigits = 15;
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
    this.separator = separator.charCodeAt(0);
  }

  read(bytes: Uint8Array, start: number, end: number): boolean {
    let at = start;
    const sign = bytes[at]!;
    if (sign === minus || sign === plus) at++;
    let mantissa = 0;
    let digits = 0;
    let separatorAt = -1;
    let leading = true;
    const first = at;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte >= zero && byte <= nine) {
        if (leading && byte === zero && at + 1 < end) continue;
        leading = false;
        digits++;
        if (digits <= exactDigits) mantissa = mantissa * 10 + (byte - zero);
      } else if (byte === this.separator && separatorAt < 0 && at > first && at + 1 < end) {
        separatorAt = at;
        leading = false;
      } else return false;
    }
    if (digits === 0) return false;
    this.digits = digits;
    this.fractionDigits = separatorAt < 0 ? 0 : end - separatorAt - 1;
    this.isExact = digits <= exactDigits;
    const value = this.isExact ? mantissa / powersOfTen[this.fractionDigits]! : Number.NaN;
    this.value = sign === minus ? -value : value;
    return true;
  }
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
