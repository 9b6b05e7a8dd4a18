import { isISO8601, isRFC3339 } from 'class-validator';
import { sql, type SQL } from 'drizzle-orm';
import { escapeLiteral } from 'pg';
import type { ExportType } from './export-source';

const MAX_TEXT_CHARACTERS = 255;

const wanted: Record<ExportType, string> = {
  text: `a text of 1 to ${MAX_TEXT_CHARACTERS} characters`,
  number: 'a number',
  boolean: 'true or false',
  time: 'a time with its zone, such as 2030-01-31T08:00:00Z',
};

/** What is wrong with a value of a filter; undefined when nothing is. */
export function problemOfValue(type: ExportType, value: unknown): string | undefined {
  return isOf(type, value) ? undefined : `must be ${wanted[type]}`;
}

/** The value as a literal: COPY takes no parameters. Throws for a value that is not of its type. */
export function literalOf(type: ExportType, value: unknown): SQL {
  if (!isOf(type, value)) throw new TypeError(`The value of a filter must be ${wanted[type]}.`);
  if (type === 'boolean') return sql.raw(value === true ? 'true' : 'false');
  if (type === 'number') return sql.raw(`${escapeLiteral(String(value))}::numeric`);
  if (type === 'text') return sql.raw(`${escapeLiteral(String(value))}::text`);
  return sql.raw(`${escapeLiteral(new Date(String(value)).toISOString())}::timestamptz`);
}

function isOf(type: ExportType, value: unknown): boolean {
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean';
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'text':
      return typeof value === 'string' && isStorable(value);
    default:
      return isRFC3339(value) && isISO8601(value, { strict: true }) && isTimeOfPostgres(String(value));
  }
}

function isStorable(text: string): boolean {
  return (
    text.length >= 1 && text.length <= MAX_TEXT_CHARACTERS && text.isWellFormed() && !text.includes('\0')
  );
}

// PostgreSQL knows no year 0 and cannot read how JavaScript writes later ones; a leap second is no date of JavaScript's.
function isTimeOfPostgres(text: string): boolean {
  const year = new Date(text).getUTCFullYear();
  return year >= 1 && year <= 9_999;
}
