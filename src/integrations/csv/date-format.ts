import { bytesOf } from './cell-text';

/** Raised for a date format that cannot be read; the message names the part that is wrong. */
export class DateFormatError extends Error {
  override name = 'DateFormatError';
}

type Part = 'YYYY' | 'MM' | 'M' | 'DD' | 'D' | 'HH' | 'mm' | 'ss' | 'SSS' | 'Z';
const partPattern = /YYYY|MM|M|DD|D|HH|mm|ss|SSS|Z/y;
const minutesPerDay = 1440;
const invalid = -1;

/** Reads dates of one format straight from bytes. */
export class DateReader {
  /** The format has a day and no time, and every part has a fixed width: `readDay` may be used. */
  readonly isPlainDay: boolean;
  private readonly parts: (Part | number)[];
  /** Bytes of a date when every part has a fixed width, and where its parts and signs stand; else 0. */
  private readonly length: number;
  private readonly places: Record<'Y' | 'M' | 'D' | 'H' | 'm' | 's' | 'S', number>;
  private readonly signs: Int32Array;

  constructor(readonly format: string) {
    this.parts = partsOf(format);
    const hasFixedWidth = !this.parts.some((part) => part === 'M' || part === 'D' || part === 'Z');
    this.length = hasFixedWidth ? format.length : 0;
    this.isPlainDay = hasFixedWidth && !/[Hms]|SSS/.test(format);
    const place = (part: Part) => format.indexOf(part);
    this.places = {
      Y: place('YYYY'),
      M: place('MM'),
      D: place('DD'),
      H: place('HH'),
      m: place('mm'),
      s: place('ss'),
      S: place('SSS'),
    };
    const signs: number[] = [];
    let at = 0;
    for (const part of this.parts) {
      if (typeof part === 'number') signs.push(at, part);
      at += typeof part === 'number' ? 1 : part.length;
    }
    this.signs = Int32Array.from(signs);
  }

  /** Milliseconds since 1970 (UTC), or NaN when the cell is no date of this format. */
  read(bytes: Uint8Array, start: number, end: number): number {
    if (this.length === 0) return this.readFlexible(bytes, start, end);
    const day = this.readDay(bytes, start, end);
    if (day < 0) return Number.NaN;
    const { places } = this;
    const hour = places.H < 0 ? 0 : twoDigits(bytes, start + places.H);
    const minute = places.m < 0 ? 0 : twoDigits(bytes, start + places.m);
    const second = places.s < 0 ? 0 : twoDigits(bytes, start + places.s);
    const milliseconds = places.S < 0 ? 0 : threeDigits(bytes, start + places.S);
    if (!isTimeOfDay(hour, minute, second, milliseconds)) return Number.NaN;
    return timeOf(day >> 9, (day >> 5) & 15, day & 31, hour * 60 + minute, second * 1000 + milliseconds);
  }

  /** For formats of fixed width: a number that orders days, or -1 when the cell has none; much faster than `read`. */
  readDay(bytes: Uint8Array, start: number, end: number): number {
    if (end - start !== this.length) return invalid;
    const { places, signs } = this;
    for (let i = 0; i < signs.length; i += 2) if (bytes[start + signs[i]!] !== signs[i + 1]) return invalid;
    const century = twoDigits(bytes, start + places.Y);
    const year = century * 100 + twoDigits(bytes, start + places.Y + 2);
    const month = twoDigits(bytes, start + places.M);
    const day = twoDigits(bytes, start + places.D);
    if (century < 0 || year < century * 100 || year < 1 || month < 1 || month > 12 || day < 1) return invalid;
    if (day > 28 && day > daysIn(year, month)) return invalid;
    return (year << 9) | (month << 5) | day;
  }

  private readFlexible(bytes: Uint8Array, start: number, end: number): number {
    const values = { Y: 0, M: 0, D: 0, H: 0, m: 0, s: 0, S: 0, offset: 0 };
    let at = start;
    for (const part of this.parts) {
      if (typeof part === 'number') {
        if (at >= end || bytes[at] !== part) return Number.NaN;
        at++;
      } else if (part === 'Z') {
        const zone = readZone(bytes, at, end);
        if (zone === undefined) return Number.NaN;
        values.offset = zone.minutes;
        at = zone.next;
      } else {
        const width = widthOf(part, bytes, at, end);
        const value = at + width > end ? invalid : digits(bytes, at, width);
        if (value === invalid) return Number.NaN;
        values[part[0] as 'Y'] = value;
        at += width;
      }
    }
    if (at !== end || !isTimeOfDay(values.H, values.m, values.s, values.S)) return Number.NaN;
    const minutes = values.H * 60 + values.m - values.offset;
    return timeOf(values.Y, values.M, values.D, minutes, values.s * 1000 + values.S);
  }
}

/** The parts of a format: the codes of signs as numbers, everything else by name. */
function partsOf(format: string): (Part | number)[] {
  const parts: (Part | number)[] = [];
  const seen = new Set<string>();
  for (let at = 0; at < format.length;) {
    partPattern.lastIndex = at;
    const part = partPattern.exec(format)?.[0] as Part | undefined;
    if (part === undefined) {
      parts.push(signAt(format, at));
      at++;
      continue;
    }
    if (seen.has(part[0]!))
      throw new DateFormatError(`The format "${format}" has ${part} twice; leave one out.`);
    seen.add(part[0]!);
    parts.push(part);
    at += part.length;
  }
  if (!['Y', 'M', 'D'].every((unit) => seen.has(unit))) {
    throw new DateFormatError(`The format "${format}" must have YYYY, MM (or M) and DD (or D).`);
  }
  return parts;
}

function signAt(format: string, index: number): number {
  const sign = format[index]!;
  if (/[A-SU-Za-z0-9]/.test(sign) || sign > '~') {
    throw new DateFormatError(
      `The format "${format}" has "${sign}", which is no part of a date; use YYYY, MM, M, DD, D, HH, mm, ss, SSS, Z, T and signs.`,
    );
  }
  return sign.charCodeAt(0);
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - 48;
  const ones = bytes[at + 1]! - 48;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? invalid : tens * 10 + ones;
}

function threeDigits(bytes: Uint8Array, at: number): number {
  return digits(bytes, at, 3);
}

function digits(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = at; i < at + width; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return invalid;
    value = value * 10 + digit;
  }
  return value;
}

/** M and D take a second digit when there is one. */
function widthOf(part: Part, bytes: Uint8Array, at: number, end: number): number {
  if (part !== 'M' && part !== 'D') return part.length;
  const second = at + 1 < end ? bytes[at + 1]! - 48 : invalid;
  return second >= 0 && second <= 9 ? 2 : 1;
}

/** `Z`, `+02:00` or `+0200`. */
function readZone(bytes: Uint8Array, at: number, end: number): { minutes: number; next: number } | undefined {
  if (at >= end) return undefined;
  const sign = bytes[at];
  if (sign === 90) return { minutes: 0, next: at + 1 };
  const minutesAt = at + (bytes[at + 3] === 58 ? 4 : 3);
  if ((sign !== 43 && sign !== 45) || minutesAt + 2 > end) return undefined;
  const hours = twoDigits(bytes, at + 1);
  const minutes = twoDigits(bytes, minutesAt);
  if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59) return undefined;
  return { minutes: (hours * 60 + minutes) * (sign === 45 ? -1 : 1), next: minutesAt + 2 };
}

function isTimeOfDay(hour: number, minute: number, second: number, milliseconds: number): boolean {
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return false;
  return second >= 0 && second <= 59 && milliseconds >= 0;
}

function timeOf(year: number, month: number, day: number, minutes: number, milliseconds: number): number {
  if (year < 1 || month < 1 || month > 12 || day < 1) return Number.NaN;
  if (day > 28 && day > daysIn(year, month)) return Number.NaN;
  return (daysSince1970(year, month, day) * minutesPerDay + minutes) * 60_000 + milliseconds;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Howard Hinnant's days_from_civil: the year starts in March, so that the leap day comes last. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = (y / 400) | 0;
  const yearOfEra = y - era * 400;
  const dayOfYear = (((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) | 0) + day - 1;
  const dayOfEra = yearOfEra * 365 + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The milliseconds of a date that a rule names, written in the column's format or as YYYY-MM-DD; NaN when neither fits. */
export function dateLimit(text: string, format: string): number {
  const bytes = bytesOf(text);
  const time = new DateReader(format).read(bytes, 0, bytes.length);
  return Number.isNaN(time) ? new DateReader('YYYY-MM-DD').read(bytes, 0, bytes.length) : time;
}

/** The number that `readDay` gives for the day of a time in milliseconds. */
export function dayOf(time: number): number {
  const date = new Date(time);
  return (date.getUTCFullYear() << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
}
