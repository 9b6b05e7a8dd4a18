import { ByteSet } from './byte-set';
import { compilePattern } from './cell-pattern';
import { charactersIn, textOf } from './cell-text';
import type { ColumnRuleDto, ColumnSeveritiesDto } from './column-rule.dto';
import { dateLimit, DateReader, dayOf } from './date-format';
import { compareDecimalTexts, DecimalReader } from './decimal-text';
import type { FindingCatalog } from './finding-catalog';
import { isEmail, isPhone, isUrl, isUuid, type FormatTest } from './text-formats';

/** Looks at one cell that is not empty; 0 when it is right, else the finding's number in the catalog. */
export type CellCheck = (bytes: Uint8Array, start: number, end: number) => number;

export const defaultTrueValues = ['true', 'yes', 'y', '1'];
export const defaultFalseValues = ['false', 'no', 'n', '0'];

/** Adds a kind of finding of one column to the catalog and gives its number. */
type Define = (rule: string, weight: keyof ColumnSeveritiesDto, message: string) => number;

/** What one column asks of its cells, compiled. */
export interface ColumnChecks {
  /** The type with its range: when it fails, nothing else is asked. Undefined when any text will do. */
  type: CellCheck | undefined;
  /** Findings from here on mean that the value is of the type, but out of range. */
  rangeFrom: number;
  others: CellCheck[];
}

/** Compiles the rules of one column, whose cells stand at `cell` and whose name in the file is `name`. */
export function compileColumn(
  column: ColumnRuleDto,
  name: string,
  cell: number,
  catalog: FindingCatalog,
): ColumnChecks {
  const define: Define = (rule, weight, message) =>
    catalog.define({
      rule,
      column: name,
      severity: column.severities?.[weight] ?? column.severity ?? 'error',
      message,
      cell,
      isPrivate: column.private === true,
    });
  const type = compileType(column, define);
  return { type: type?.check, rangeFrom: type?.rangeFrom ?? 0, others: compileOthers(column, define) };
}

function compileType(
  column: ColumnRuleDto,
  define: Define,
): { check: CellCheck; rangeFrom: number } | undefined {
  switch (column.type ?? 'string') {
    case 'integer':
    case 'decimal':
      return compileNumber(column, define);
    case 'date':
      return compileDate(column, define);
    case 'string':
      return undefined;
    default: {
      const [test, message] = simpleTypes[column.type as keyof typeof simpleTypes](column);
      const wrong = define(column.type!, 'type', message);
      return {
        check: (bytes, start, end) => (test(bytes, start, end) ? 0 : wrong),
        rangeFrom: Number.MAX_SAFE_INTEGER,
      };
    }
  }
}

const simpleTypes = {
  boolean: (column: ColumnRuleDto): [FormatTest, string] => {
    const yes = column.trueValues ?? defaultTrueValues;
    const no = column.falseValues ?? defaultFalseValues;
    const set = new ByteSet([...yes, ...no], true);
    return [(bytes, start, end) => set.has(bytes, start, end), `Write ${yes[0]} or ${no[0]}.`];
  },
  enum: (column: ColumnRuleDto): [FormatTest, string] => {
    const values = column.values ?? [];
    const set = new ByteSet(values, column.ignoreCase);
    const list = values.slice(0, 8).join(', ').slice(0, 300);
    const rest = values.length > 8 ? ` or one of ${values.length - 8} others of the rule set` : '';
    return [(bytes, start, end) => set.has(bytes, start, end), `Use one of: ${list}${rest}.`];
  },
  email: (): [FormatTest, string] => [isEmail, 'Write a complete e-mail address, such as name@example.com.'],
  url: (): [FormatTest, string] => [isUrl, 'Write a complete web address, such as https://example.com/page.'],
  uuid: (): [FormatTest, string] => [isUuid, 'Write a UUID: 32 hexadecimal digits as 8-4-4-4-12.'],
  phone: (): [FormatTest, string] => [
    isPhone,
    'Write a phone number of 7 to 15 digits, such as +49 30 1234567.',
  ],
};

function compileNumber(column: ColumnRuleDto, define: Define): { check: CellCheck; rangeFrom: number } {
  const separator = column.decimalSeparator ?? '.';
  const reader = new DecimalReader(separator);
  const isInteger = column.type === 'integer';
  const scale = isInteger ? 0 : (column.scale ?? Number.MAX_SAFE_INTEGER);
  const precision = column.precision ?? Number.MAX_SAFE_INTEGER;
  // As in SQL: with both given, digits before the separator are what the scale leaves of the precision.
  const wholeDigits = column.scale === undefined ? precision : precision - column.scale;
  const rule = isInteger ? 'integer' : 'decimal';
  const wrong = define(
    rule,
    'type',
    isInteger
      ? 'Write a whole number: digits only, such as 42.'
      : `Write a plain number, such as 12${separator}50: no spaces, units or thousands signs.`,
  );
  const tooFine =
    isInteger || (column.scale === undefined && column.precision === undefined)
      ? wrong
      : define('precision', 'type', precisionMessage(column));
  const rangeFrom = tooFine + 1;
  const range = compileNumberRange(column, define, reader);
  const check: CellCheck = (bytes, start, end) => {
    if (!reader.read(bytes, start, end)) return wrong;
    if (reader.fractionDigits > scale) return tooFine;
    if (reader.digits > precision || reader.digits - reader.fractionDigits > wholeDigits) return tooFine;
    return range(bytes, start, end);
  };
  return { check, rangeFrom };
}

function precisionMessage({ precision, scale }: ColumnRuleDto): string {
  const fraction = scale === undefined ? '' : `at most ${scale} digits after the separator`;
  if (precision === undefined) return `Write ${fraction}.`;
  if (scale === undefined) return `Write at most ${precision} digits.`;
  return `Write ${fraction} and at most ${precision - scale} before it.`;
}

function compileNumberRange(column: ColumnRuleDto, define: Define, reader: DecimalReader): CellCheck {
  const min = column.min === undefined ? undefined : String(column.min);
  const max = column.max === undefined ? undefined : String(column.max);
  const tooSmall = min === undefined ? 0 : define('min', 'range', `Must be ${min} or more.`);
  const tooLarge = max === undefined ? 0 : define('max', 'range', `Must be ${max} or less.`);
  const low = min === undefined ? -Infinity : Number(min);
  const high = max === undefined ? Infinity : Number(max);
  const isExactLimit = [min, max].every(
    (limit) => limit === undefined || limit.replace(/\D/g, '').length <= 15,
  );
  return (bytes, start, end) => {
    if (reader.isExact && isExactLimit)
      return reader.value < low ? tooSmall : reader.value > high ? tooLarge : 0;
    const text = textOf(bytes, start, end).replace(',', '.');
    if (min !== undefined && compareDecimalTexts(text, min) < 0) return tooSmall;
    return max !== undefined && compareDecimalTexts(text, max) > 0 ? tooLarge : 0;
  };
}

function compileDate(column: ColumnRuleDto, define: Define): { check: CellCheck; rangeFrom: number } {
  const format = column.format ?? 'YYYY-MM-DD';
  const reader = new DateReader(format);
  const wrong = define('date', 'type', `Write a date that exists, as ${format}.`);
  const tooEarly = column.min === undefined ? 0 : define('min', 'range', `Must be ${column.min} or later.`);
  const tooLate = column.max === undefined ? 0 : define('max', 'range', `Must be ${column.max} or earlier.`);
  const low = column.min === undefined ? -Infinity : dateLimit(String(column.min), format);
  const high = column.max === undefined ? Infinity : dateLimit(String(column.max), format);
  const check: CellCheck = (bytes, start, end) => {
    const time = reader.read(bytes, start, end);
    if (Number.isNaN(time)) return wrong;
    return time < low ? tooEarly : time > high ? tooLate : 0;
  };
  const firstDay = column.min === undefined ? 0 : dayOf(low);
  const lastDay = column.max === undefined ? 0x7fffffff : dayOf(high);
  const checkDay: CellCheck = (bytes, start, end) => {
    const day = reader.readDay(bytes, start, end);
    if (day < firstDay) return day < 0 ? wrong : tooEarly;
    return day > lastDay ? tooLate : 0;
  };
  return { check: reader.isPlainDay ? checkDay : check, rangeFrom: wrong + 1 };
}

function compileOthers(column: ColumnRuleDto, define: Define): CellCheck[] {
  const checks: CellCheck[] = [];
  const { minLength, maxLength } = column;
  if (minLength !== undefined || maxLength !== undefined) {
    const tooShort =
      minLength === undefined
        ? 0
        : define('min_length', 'length', `Must have ${minLength} characters or more.`);
    const tooLong =
      maxLength === undefined
        ? 0
        : define('max_length', 'length', `Must have ${maxLength} characters or fewer.`);
    const fewest = minLength ?? 0;
    const most = maxLength ?? Number.MAX_SAFE_INTEGER;
    checks.push((bytes, start, end) => {
      // Characters have one to four bytes each: most cells are decided without counting.
      if (end - start <= most && end - start >= fewest * 4) return 0;
      const count = charactersIn(bytes, start, end);
      return count < fewest ? tooShort : count > most ? tooLong : 0;
    });
  }
  if (column.pattern !== undefined) {
    const test = compilePattern(column.pattern);
    const hint = column.patternHint ?? `the pattern ${column.pattern}`;
    const wrong = define('pattern', 'pattern', `Must be like this: ${hint}.`);
    checks.push((bytes, start, end) => (test(bytes, start, end) ? 0 : wrong));
  }
  return checks;
}
