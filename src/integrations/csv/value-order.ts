import { textOf } from './cell-text';
import type { ColumnRuleDto } from './column-rule.dto';
import { dateLimit, DateReader } from './date-format';
import { compareDecimalTexts, DecimalReader } from './decimal-text';

/** What the values of a column are compared as. */
export type ValueKind = 'number' | 'date' | 'text';

/** Numbers and dates have an order of their own, everything else is compared as text, by code points. */
export function valueKindOf(column: Pick<ColumnRuleDto, 'type'>): ValueKind {
  if (column.type === 'integer' || column.type === 'decimal') return 'number';
  return column.type === 'date' ? 'date' : 'text';
}

/** The order of two cells that both are of their columns' types: negative, zero or positive. */
export type CellOrder = (
  bytes: Uint8Array,
  leftStart: number,
  leftEnd: number,
  rightStart: number,
  rightEnd: number,
) => number;

/** How cells of two columns of the same kind are ordered. */
export function orderOfCells(left: ColumnRuleDto, right: ColumnRuleDto): CellOrder {
  const kind = valueKindOf(left);
  if (kind === 'text') return compareBytes;
  if (kind === 'date') {
    const leftReader = new DateReader(left.format ?? 'YYYY-MM-DD');
    const rightReader = new DateReader(right.format ?? 'YYYY-MM-DD');
    if (leftReader.isPlainDay && rightReader.isPlainDay) {
      return (bytes, leftStart, leftEnd, rightStart, rightEnd) =>
        leftReader.readDay(bytes, leftStart, leftEnd) - rightReader.readDay(bytes, rightStart, rightEnd);
    }
    return (bytes, leftStart, leftEnd, rightStart, rightEnd) =>
      leftReader.read(bytes, leftStart, leftEnd) - rightReader.read(bytes, rightStart, rightEnd);
  }
  const leftReader = new DecimalReader(left.decimalSeparator);
  const rightReader = new DecimalReader(right.decimalSeparator);
  return (bytes, leftStart, leftEnd, rightStart, rightEnd) => {
    leftReader.read(bytes, leftStart, leftEnd);
    rightReader.read(bytes, rightStart, rightEnd);
    if (leftReader.isExact && rightReader.isExact) return leftReader.value - rightReader.value;
    return compareDecimalTexts(plain(bytes, leftStart, leftEnd), plain(bytes, rightStart, rightEnd));
  };
}

/** How cells of a column of numbers or dates are ordered against a value that a rule names. */
export function orderAgainst(
  column: ColumnRuleDto,
  value: string,
): (bytes: Uint8Array, start: number, end: number) => number {
  if (valueKindOf(column) === 'date') {
    const format = column.format ?? 'YYYY-MM-DD';
    const reader = new DateReader(format);
    const limit = dateLimit(value, format);
    return (bytes, start, end) => reader.read(bytes, start, end) - limit;
  }
  if (valueKindOf(column) === 'text') {
    const limit = Buffer.from(value);
    return (bytes, start, end) => Buffer.compare(bytes.subarray(start, end), limit);
  }
  const reader = new DecimalReader(column.decimalSeparator);
  const isShort = value.replace(/\D/g, '').length <= 15;
  const limit = Number(value);
  return (bytes, start, end) => {
    reader.read(bytes, start, end);
    return reader.isExact && isShort
      ? reader.value - limit
      : compareDecimalTexts(plain(bytes, start, end), value);
  };
}

function plain(bytes: Uint8Array, start: number, end: number): string {
  return textOf(bytes, start, end).replace(',', '.');
}

/** UTF-8 is made so that the order of its bytes is the order of the code points. */
function compareBytes(
  bytes: Uint8Array,
  leftStart: number,
  leftEnd: number,
  rightStart: number,
  rightEnd: number,
): number {
  const length = Math.min(leftEnd - leftStart, rightEnd - rightStart);
  for (let i = 0; i < length; i++) {
    const difference = bytes[leftStart + i]! - bytes[rightStart + i]!;
    if (difference !== 0) return difference;
  }
  return leftEnd - leftStart - (rightEnd - rightStart);
}
