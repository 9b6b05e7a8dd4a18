import { bytesOf } from './cell-text';

/** Raised for a date format that cannot be read; the message names the part that is wrong. */
export class DateFormatError extends Error {
  override name = 'DateFormatError';
}

type Part = 'YYYY' | 'MM' | 'M' | 'DD' | 'D' | 'HH' | 'mm' | 'ss' | 'SSS' | 'Z';
const partPattern = /YYYY|MM|M|DD|D|HH|mm|ss|SSS|Z/y;
const minutesPerDay = 1440;

type Step = (reader: DateReader, bytes: Uint8Array, at: number, end: number) => number;

/** Reads dates of one format straight from bytes; `read` gives milliseconds since 1970 (UTC), or NaN. */
export class DateReader {
  year = 0;
  month = 1;
  day = 1;
  hour = 0;
  minute = 0;
  second = 0;
  milliseconds = 0;
  offsetMinutes = 0;
  private readonly steps: Step[];

  constructor(readonly format: string) {
    this.steps = stepsOf(format);
  }

  read(bytes: Uint8Array, start: number, end: number): number {
    const steps = this.steps;
    let at = start;
    for (let i = 0; i < steps.length; i++) {
      at = steps[i]!(this, bytes, at, end);
      if (at < 0) return Number.NaN;
    }
    if (at !== end || this.month < 1 || this.month > 12 || this.day < 1) return Number.NaN;
    if (this.day > 28 && this.day > daysIn(this.year, this.month)) return Number.NaN;
    if (this.hour > 23 || this.minute > 59 || this.second > 59) return Number.NaN;
    const minutes =
      daysSince1970(this.year, this.month, this.day) * minutesPerDay +
      this.hour * 60 +
      this.minute -
      this.offsetMinutes;
    return minutes * 60_000 + this.second * 1000 + this.milliseconds;
  }
}

function stepsOf(format: string): Step[] {
  const steps: Step[] = [];
  const seen = new Set<string>();
  let at = 0;
  while (at < format.length) {
    partPattern.lastIndex = at;
    const part = partPattern.exec(format)?.[0] as Part | undefined;
    if (part === undefined) {
      steps.push(signStep(format, at));
      at++;
      continue;
    }
    const unit = part[0]!;
    if (seen.has(unit)) throw new DateFormatError(`The format "${format}" has ${part} twice; leave one out.`);
    seen.add(unit);
    steps.push(partSteps[part]);
    at += part.length;
  }
  for (const unit of ['Y', 'M', 'D']) {
    if (!seen.has(unit)) {
      throw new DateFormatError(`The format "${format}" must have YYYY, MM (or M) and DD (or D).`);
    }
  }
  return steps;
}

function signStep(format: string, index: number): Step {
  const sign = format[index]!;
  if (/[A-SU-Za-z0-9]/.test(sign) || sign > '~') {
    throw new DateFormatError(
      `The format "${format}" has "${sign}", which is no part of a date; use YYYY, MM, M, DD, D, HH, mm, ss, SSS, Z, T and signs.`,
    );
  }
  const code = sign.charCodeAt(0);
  return (_, bytes, at, end) => (at < end && bytes[at] === code ? at + 1 : -1);
}

const partSteps: Record<Part, Step> = {
  YYYY: fixed(4, (reader, value) => (reader.year = value)),
  MM: fixed(2, (reader, value) => (reader.month = value)),
  DD: fixed(2, (reader, value) => (reader.day = value)),
  HH: fixed(2, (reader, value) => (reader.hour = value)),
  mm: fixed(2, (reader, value) => (reader.minute = value)),
  ss: fixed(2, (reader, value) => (reader.second = value)),
  SSS: fixed(3, (reader, value) => (reader.milliseconds = value)),
  M: oneOrTwo((reader, value) => (reader.month = value)),
  D: oneOrTwo((reader, value) => (reader.day = value)),
  Z: zone,
};

function fixed(width: number, store: (reader: DateReader, value: number) => void): Step {
  return (reader, bytes, at, end) => {
    const stop = at + width;
    if (stop > end) return -1;
    let value = 0;
    for (let i = at; i < stop; i++) {
      const digit = bytes[i]! - 48;
      if (digit < 0 || digit > 9) return -1;
      value = value * 10 + digit;
    }
    store(reader, value);
    return stop;
  };
}

function oneOrTwo(store: (reader: DateReader, value: number) => void): Step {
  return (reader, bytes, at, end) => {
    const first = at < end ? bytes[at]! - 48 : -1;
    if (first < 0 || first > 9) return -1;
    const second = at + 1 < end ? bytes[at + 1]! - 48 : -1;
    const hasTwo = second >= 0 && second <= 9;
    store(reader, hasTwo ? first * 10 + second : first);
    return at + (hasTwo ? 2 : 1);
  };
}

/** `Z`, `+02:00` or `+0200`. */
function zone(reader: DateReader, bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  const sign = bytes[at];
  reader.offsetMinutes = 0;
  if (sign === 90) return at + 1;
  if (sign !== 43 && sign !== 45) return -1;
  let next = at + 1;
  const hours = twoDigits(bytes, next, end);
  next += 2;
  if (bytes[next] === 58) next++;
  const minutes = twoDigits(bytes, next, end);
  if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59) return -1;
  reader.offsetMinutes = (hours * 60 + minutes) * (sign === 45 ? -1 : 1);
  return next + 2;
}

function twoDigits(bytes: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) return -1;
  const tens = bytes[at]! - 48;
  const ones = bytes[at + 1]! - 48;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Howard Hinnant's days_from_civil: the year starts in March, so that the leap day comes last. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The milliseconds of a date that a rule names, written in the column's format or as YYYY-MM-DD; NaN when neither fits. */
export function dateLimit(text: string, format: string): number {
  const bytes = bytesOf(text);
  const time = new DateReader(format).read(bytes, 0, bytes.length);
  return Number.isNaN(time) ? new DateReader('YYYY-MM-DD').read(bytes, 0, bytes.length) : time;
}
