import { foreignMonths, months, weekdays, zones } from './date-names';

const MAX_CHARACTERS = 100;
// RFC 822 as nearly every feed writes it; what it does not take is read word by word.
const usual =
  /^(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2})(?::(\d{2}))? (GMT|UTC|[+-]\d{4})$/;
const iso =
  /^(\d{4})(?:-?(\d{2})(?:-?(\d{2})(?:[T ]+(\d{2}):?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?)?)?\s*(z|[+-]\d{2}:?(?:\d{2})?)?$/i;
const clock = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(am|pm)?$/;
const offset = /^(?:ut|utc|gmt)?([+-])(\d{1,2}):?(\d{2})?$/;

interface Moment {
  year?: number;
  /** 0 for January. */
  month?: number;
  day?: number;
  hour?: number;
  minute?: number;
  second?: number;
  millisecond?: number;
  /** Minutes from UTC. */
  zone?: number;
}

/**
 * The moment that a feed's date means, as ISO 8601 in UTC, or null: ISO 8601 and RFC 3339, RFC 822 and its relatives with
 * names of zones and of months, `Date.toString()` and `asctime`. Without a zone it is UTC; dates that two countries read
 * differently (01/02/2024) mean nothing.
 */
export function feedDate(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > MAX_CHARACTERS) return null;
  // Whatever language the weekday is in, it adds nothing.
  return (
    usualDate(usual.exec(trimmed)) ??
    isoDate(iso.exec(trimmed)) ??
    wordedDate(trimmed.toLowerCase().replace(/^\p{L}{2,13}\.?,\s/u, ''))
  );
}

function usualDate(match: RegExpExecArray | null): string | null {
  if (match === null) return null;
  const [, day, name = '', year, hour, minute, second = '0', place = ''] = match;
  const month = months.indexOf(name.toLowerCase());
  const zone = zoneOf(place.toLowerCase());
  if (month < 0 || zone === undefined) return null;
  return moment({
    year: Number(year),
    month,
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    zone,
  });
}

/** The moment of a number: milliseconds since 1970, or seconds where milliseconds would lie before March 1973. */
export function numberDate(value: number): string | null {
  const milliseconds = Math.abs(value) < 1e11 ? value * 1_000 : value;
  const date = new Date(milliseconds);
  return value > 0 && isSensibleYear(date.getUTCFullYear()) ? date.toISOString() : null;
}

function isoDate(match: RegExpExecArray | null): string | null {
  if (match === null) return null;
  const [, year, month = '1', day = '1', hour = '0', minute = '0', second = '0', fraction = '', zone] = match;
  return moment({
    year: Number(year),
    month: Number(month) - 1,
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    millisecond: Number(fraction.padEnd(3, '0').slice(0, 3)),
    zone: zoneOf(zone?.toLowerCase() ?? 'z'),
  });
}

/** Reads a date word by word, in whatever order the words come; a word that is none of a date makes it none. */
function wordedDate(text: string): string | null {
  const found: Moment = {};
  for (const word of text.replace(/\([^()]*\)/g, ' ').split(/[\s,]+/)) {
    if (word !== '' && !takeWord(word, found)) return null;
  }
  return moment(found);
}

function takeWord(word: string, found: Moment): boolean {
  const name = /^[a-z]{3,9}\.?$/.test(word) ? word.slice(0, 3) : '';
  const month = foreignMonths[word.replace('.', '')] ?? months.indexOf(name);
  if (month >= 0 && found.month === undefined) {
    found.month = month;
    return true;
  }
  if (weekdays.includes(name) && found.hour === undefined) return true;
  const time = clock.exec(word);
  if (time !== null) return takeTime(time, found);
  if (/^\d{1,4}(?:st|nd|rd|th)?$/.test(word)) return takeNumber(word, found);
  const dashed = /^(\d{1,2})-([a-z]{3})[a-z]{0,6}-(\d{2,4})$/.exec(word);
  if (dashed !== null) return dashed.slice(1).every((part) => takeWord(part, found));
  const wholeDay = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:t([\d:.]{5,18}))?$/.exec(word);
  if (wholeDay !== null) return takeDay(wholeDay, found);
  if (word === 'at' || word === 'of') return true;
  if (word === 'am' || word === 'pm') return takeHalf(word, found);
  const zone = zoneOf(word);
  if (zone === undefined) return false;
  // `GMT+0200`, and `GMT +0200`: the number says it better.
  found.zone = found.zone === undefined || found.zone === 0 ? zone : found.zone;
  return true;
}

function takeDay([, year, month, day, time]: RegExpExecArray, found: Moment): boolean {
  if (found.year !== undefined || found.month !== undefined || found.day !== undefined) return false;
  Object.assign(found, { year: Number(year), month: Number(month) - 1, day: Number(day) });
  return time === undefined || takeWord(time, found);
}

function takeTime(
  [, hour, minute, second = '0', fraction = '', half]: RegExpExecArray,
  found: Moment,
): boolean {
  if (found.hour !== undefined) return false;
  found.hour = Number(hour);
  found.minute = Number(minute);
  found.second = Number(second);
  found.millisecond = Number(fraction.padEnd(3, '0').slice(0, 3));
  return half === undefined || takeHalf(half, found);
}

function takeHalf(half: string, found: Moment): boolean {
  if (found.hour === undefined || found.hour < 1 || found.hour > 12) return false;
  found.hour = (found.hour % 12) + (half === 'pm' ? 12 : 0);
  return true;
}

function takeNumber(word: string, found: Moment): boolean {
  const value = Number.parseInt(word, 10);
  if (found.day === undefined && value >= 1 && value <= 31 && word.length !== 4) found.day = value;
  else if (found.year === undefined && /^(?:\d{2}|\d{4})$/.test(word)) found.year = fullYear(value);
  else return false;
  return true;
}

/** RFC 2822, section 4.3. */
function fullYear(year: number): number {
  if (year >= 100) return year;
  return year < 50 ? 2000 + year : 1900 + year;
}

function zoneOf(word: string): number | undefined {
  // RFC 2822 says that the letters of the military mean nothing, since RFC 822 had them wrong.
  if (/^[a-ik-z]$/.test(word)) return 0;
  if (Object.hasOwn(zones, word)) return zones[word];
  const [, sign, hours, minutes = '0'] = offset.exec(word) ?? [];
  if (hours === undefined) return undefined;
  const total = Number(hours) * 60 + Number(minutes);
  if (total > 15 * 60) return undefined;
  return sign === '-' ? -total : total;
}

function moment(found: Moment): string | null {
  const { year, month, day, hour = 0, minute = 0, second = 0, millisecond = 0, zone = 0 } = found;
  if (year === undefined || month === undefined || day === undefined || !isSensibleYear(year)) return null;
  if (month > 11 || hour > 24 || minute > 59 || second > 60) return null;
  const midnight = new Date(Date.UTC(year, month, day));
  if (midnight.getUTCDate() !== day || midnight.getUTCMonth() !== month) return null;
  const minutes = hour * 60 + minute - zone;
  return new Date(midnight.getTime() + minutes * 60_000 + second * 1_000 + millisecond).toISOString();
}

// Year 1 is what an empty date of .NET looks like.
function isSensibleYear(year: number): boolean {
  return year >= 1900 && year <= 2999;
}
