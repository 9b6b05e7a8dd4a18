import { DateTime } from 'luxon';
import type { ActivitySide } from '../../integrations/broker/broker-activity';
import { decimalAmount } from '../../integrations/broker/decimal-amount';

export type DateOrder = 'MDY' | 'DMY';
export type DecimalSeparator = '.' | ',';

const buys = new Set([
  'b',
  'buy',
  'bought',
  'bot',
  'buytoopen',
  'buytocover',
  'buytoclose',
  'long',
  'purchase',
]);
const sales = new Set([
  's',
  'sell',
  'sold',
  'sld',
  'selltoclose',
  'selltoopen',
  'sellshort',
  'short',
  'shortsale',
  'sale',
]);
const MAX_CHARACTERS = 60;
// Brokers put words around them: "YOU BOUGHT APPLE INC", "Market buy".
const buyWord = /\b(bought|buy)\b/i;
const saleWord = /\b(sold|sell)\b/i;
const EARLIEST = Date.UTC(1970, 0, 1);
const LATEST = Date.UTC(2200, 0, 1);

/** `other` for what is neither a purchase nor a sale, such as a dividend. */
export function sideOf(text: string): ActivitySide | 'other' {
  const word = text.toLowerCase().replace(/[^a-z]/g, '');
  if (buys.has(word)) return 'buy';
  if (sales.has(word)) return 'sell';
  const [isBuy, isSale] = [buyWord.test(text), saleWord.test(text)];
  if (isBuy === isSale) return 'other';
  return isBuy ? 'buy' : 'sell';
}

/** An exact decimal: with thousands separators, a sign of a currency, or parentheses around what is negative. */
export function amountOf(text: string, separator: DecimalSeparator = '.'): string | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  const inParentheses = /^\((.*)\)$/.exec(text.trim());
  const bare = (inParentheses?.[1] ?? text).replace(/[\s\u00a0$€£¥]/g, '').replace(/^[A-Z]{3}(?=[\d+-])/, '');
  const [whole = '', places, ...more] = bare.split(separator);
  const thousands = separator === '.' ? ',' : '.';
  const groups = whole.split(thousands);
  const isGrouped = groups.length > 1;
  if (more.length > 0 || (isGrouped && !areGroups(groups))) return undefined;
  const digits = groups.join('');
  // `.5` is how some write a half.
  const head = /^[+-]?$/.test(digits) && /^\d/.test(places ?? '') ? `${digits}0` : digits;
  const amount = decimalAmount(places === undefined || places === '' ? head : `${head}.${places}`);
  if (inParentheses === null || amount === undefined || amount === '0') return amount;
  return amount.startsWith('-') ? undefined : `-${amount}`;
}

function areGroups([first = '', ...rest]: readonly string[]): boolean {
  return /^[+-]?\d{1,3}$/.test(first) && rest.every((group) => /^\d{3}$/.test(group));
}

interface MomentOptions {
  readonly dateOrder?: DateOrder;
  /** Where clocks without a zone hang; UTC unless it is given. */
  readonly timeZone?: string;
}

/**
 * A moment as brokers write it: ISO 8601, `20240131;093000`, `01/31/2024 9:30 AM`, `31.01.2024`. With slashes or dashes
 * the month is first unless `dateOrder` says otherwise, with dots the day. Undefined for what is no date that exists.
 */
export function momentOf(text: string, options: MomentOptions = {}): Date | undefined {
  const trimmed = text.trim();
  if (trimmed.length === 0 || trimmed.length > MAX_CHARACTERS) return undefined;
  const match = /^([\d/.-]{6,10})(?:(?:[T;,]|\s)\s?(\S.{0,30}))?$/i.exec(trimmed);
  const day = match === null ? undefined : dayOf(match[1]!, options.dateOrder);
  const clock = day === undefined ? undefined : clockOf(match?.[2]);
  if (day === undefined || clock === undefined) return undefined;
  const at = joined(day, clock, options.timeZone ?? 'UTC');
  return at !== undefined && at >= EARLIEST && at < LATEST ? new Date(at) : undefined;
}

interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

interface Clock {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
  /** Minutes that the clock is ahead of UTC; absent where it does not say. */
  readonly offset?: number;
}

function dayOf(text: string, dateOrder: DateOrder = 'MDY'): Day | undefined {
  const first = /^(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})$/.exec(text);
  if (first !== null) return dayFrom(first[1], first[2], first[3]);
  const last = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})$/.exec(text);
  if (last === null) return undefined;
  const [, one, sign, two, year = ''] = last;
  const fullYear = year.length === 2 ? `20${year}` : year;
  return sign === '.' || dateOrder === 'DMY' ? dayFrom(fullYear, two, one) : dayFrom(fullYear, one, two);
}

function dayFrom(year?: string, month?: string, day?: string): Day | undefined {
  const found = { year: Number(year), month: Number(month), day: Number(day) };
  const check = new Date(Date.UTC(found.year, found.month - 1, found.day));
  return check.getUTCMonth() === found.month - 1 && check.getUTCDate() === found.day ? found : undefined;
}

const midnight: Clock = { hour: 0, minute: 0, second: 0, millisecond: 0 };
const clockShape =
  /^(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?\s?(AM|PM)?\s?(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$/i;

function clockOf(text: string | undefined): Clock | undefined {
  if (text === undefined) return midnight;
  const match = clockShape.exec(text);
  if (match === null) return undefined;
  const [, hours, minutes, seconds = '0', fraction = '', half, zone] = match;
  const hour = hourOf(Number(hours), half?.toUpperCase());
  const [minute, second] = [Number(minutes), Number(seconds)];
  if (hour === undefined || minute > 59 || second > 59) return undefined;
  const millisecond = Number(fraction.slice(0, 3).padEnd(3, '0'));
  const offset = zone === undefined ? undefined : offsetOf(zone);
  return { hour, minute, second, millisecond, ...(offset !== undefined && { offset }) };
}

function hourOf(hour: number, half: string | undefined): number | undefined {
  if (half === undefined) return hour <= 23 ? hour : undefined;
  if (hour < 1 || hour > 12) return undefined;
  return (hour % 12) + (half === 'PM' ? 12 : 0);
}

function offsetOf(zone: string): number {
  const match = /^([+-])(\d{2}):?(\d{2})$/.exec(zone);
  if (match === null) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return match[1] === '-' ? -minutes : minutes;
}

function joined({ year, month, day }: Day, clock: Clock, zone: string): number | undefined {
  const { hour, minute, second, millisecond, offset } = clock;
  if (offset !== undefined || zone === 'UTC') {
    return Date.UTC(year, month - 1, day, hour, minute, second, millisecond) - (offset ?? 0) * 60_000;
  }
  const at = DateTime.fromObject({ year, month, day, hour, minute, second, millisecond }, { zone });
  return at.isValid ? at.toMillis() : undefined;
}
