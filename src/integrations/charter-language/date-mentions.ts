import * as chrono from 'chrono-node';
import {
  dayInZone,
  dayOfMonthFrom,
  dayOf,
  plusDays,
  weekdayFrom,
  weekdayOf,
  weekdayOfNextWeek,
  type CalendarDay,
} from './calendar-day';
import type { MessageText, Span } from './message-text';
import { NUMBER, numberOf, ORDINAL_WORD, ordinalOf } from './number-words';
import { phrase } from './phrase-pattern';

/** A day as a message names it; some follow from the day before them in the trip. */
export interface DateMention {
  readonly span: Span;
  /** The day, given that of the leg before where there is one; undefined where it cannot be told. */
  readonly dayAfter: (previous: CalendarDay | undefined) => CalendarDay | undefined;
  /** Whether only the return can be meant, such as by "three days later". */
  readonly isReturn: boolean;
  /** Whether this is one of several days that would all do. */
  readonly isAlternative: boolean;
  /** How the message says it, where it could be read in another way. */
  readonly assumption?: string;
}

export interface Today {
  readonly now: Date;
  readonly timeZone: string;
}

type Day = CalendarDay | undefined;

const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const WEEKDAY = '(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?';
const monthAndDay = /\b(\d{4})-(\d{2})-(\d{2})\b/g;
const afterTomorrow = /\b(?:the )?day after tomorrow\b/gi;
const weekdayAndDay = phrase(
  `\\b(${WEEKDAY}),? the (\\d{1,2})(?:st|nd|rd|th)\\b(?! of (?!this))(?: of this month)?`,
  'gi',
);
const dayOnly = phrase(
  `\\b(?:(?:on|until|till|to|by) )?(?:the )?(?:(\\d{1,2})(?:st|nd|rd|th)|(?<=the )(${ORDINAL_WORD}))\\b(?! (?:of (?!this)|january|february|march|april|may|june|july|august|september|october|november|december|birthday|anniversary|week|leg|flight|floor|street|time|party|class))(?: of this month)?`,
  'gi',
);
const weekAndDay = phrase(
  `\\b(${WEEKDAY}) (?:of )?next week\\b|\\bnext week,? (?:on )?(${WEEKDAY})\\b`,
  'gi',
);
const weekLater = phrase(`\\b(${WEEKDAY}) week\\b`, 'gi');
const fromToday = phrase(`\\b(${NUMBER}) (days?|weeks?) from (today|now|tomorrow)\\b`, 'gi');
const nights = phrase(`\\b(${NUMBER}) nights?\\b(?! of)`, 'gi');
const later = phrase(`\\b(${NUMBER}) (days?|weeks?) (?:later|after(?:wards)?)\\b`, 'gi');
const followingDay = /\b(?:the )?(?:following|next) (?:day\b|(?=morning|evening|afternoon))/gi;
const sameDay =
  /\b(?:the )?same[- ](?:day\b|(?=evening|night|afternoon|morning))|\bday[- ]trip\b|\bday[- ]return\b/gi;
const tonight = /\b(?=tonight\b)/gi;
// Their days move, and people mean days around them.
const movingFeasts =
  /\b(?:the )?(?:good friday|(?:easter|pentecost|whit|labou?r day|memorial day|presidents'? day|thanksgiving|bank holiday)(?: (?:monday|sunday|saturday|day|weekend|week))?)\b/gi;
// Codes and places that look like days and months.
const noDays =
  /\b(?:SUN|SAT|MON|MAR|MAY|DEC|JAN|WED|FRI|THU|TUE)(?= ?[-/>] ?[A-Z]{3}\b| to [A-Z]{3,4}\b)|(?<=\b[A-Z]{3} ?[-/>]{1,2} ?)(?:SUN|SAT|MON|MAR|MAY|DEC|JAN|WED|FRI|THU|TUE)\b|\b[Ss]un (?:[Vv]alley|[Cc]ity|[Pp]eaks)\b|\b[Ss]an (?:[Jj]uan|[Mm]ar)\b|\b(?:[Dd]el|[Ll]a) [Mm]ar\b|\b[Mm]ay (?:I|i|we|you|have|need)\b/g;
const otherDayBefore = /\b\d{1,2}(?:st|nd|rd|th)?(?: of \w{3,9})? or (?:maybe )?$/i;
const partAtEnd = /,? (?:(?:at|in the|this) )?(?:morning|afternoon|evening|night)$/i;
const deadline = /\bby $/i;
const holidays =
  /\b(christmas eve|christmas day|christmas|boxing day|new year'?s eve|new year'?s day|new year'?s)\b/gi;
const fixedDays: Readonly<Record<string, readonly [number, number]>> = {
  'christmas eve': [12, 24],
  'christmas day': [12, 25],
  christmas: [12, 25],
  'boxing day': [12, 26],
  'new years eve': [12, 31],
  'new years day': [1, 1],
  'new years': [1, 1],
};
const plainWeekday = phrase(
  `\\b(?:(this|this coming|coming|next) )?(${WEEKDAY})s?\\b(?! (?:before|after) )`,
  'gi',
);
const shortWord = /^(?:sun|mon|sat|wed|fri)$/;
const dayRange = phrase(`\\b(?:sat|sun|mon|fri)(?:urday|day)?-(?:sat|sun|mon|fri)(?:urday|day)?\\b`, 'i');
const vague =
  /\b(?:or so|sometime|early|mid|late|end of|beginning of|week of|first week|second week|last week|the week|\w{2,12} before) ?(?:in |of )?$/i;
const alternative = /^,? or (?:maybe )?$/i;

/**
 * Takes the days out of a message, in its order. What names a month, a season or a feast of a moving date is no day.
 * A bare weekday is the next one after the day before it in the trip, at first after today.
 */
export function takeDates(text: MessageText, today: Today): DateMention[] {
  return text.hiding(noDays, () => readDates(text, today));
}

function readDates(text: MessageText, { now, timeZone }: Today): DateMention[] {
  const { today, offsetMinutes } = dayInZone(now, timeZone);
  const found: Mention[] = [];
  const add = (span: Span, dayAfter: Mention['dayAfter'], extras: Partial<Mention> = {}) => {
    const lead = text.whole.slice(Math.max(0, span.start - 30), span.start);
    const isAlternative = otherDayBefore.test(lead);
    // By when one has to be there is not when one flies.
    const isUnsure = isAlternative || deadline.test(lead);
    const dayOfTrip = isUnsure ? () => undefined : dayAfter;
    found.push({ span, isReturn: false, ...extras, isAlternative, dayAfter: dayOfTrip });
    text.take(span);
  };
  const soon = (previous: Day) => previous ?? today;

  for (const { span } of text.matches(movingFeasts)) text.take(span);
  for (const { span } of text.matches(tonight)) add(span, () => today);
  for (const { 1: y, 2: m, 3: d, span } of text.matches(monthAndDay))
    add(span, () => dayOf(Number(y), Number(m), Number(d)));
  for (const { span } of text.matches(afterTomorrow)) add(span, () => plusDays(today, 2));
  for (const { 1: name = '', 2: d, span } of text.matches(weekdayAndDay)) {
    add(span, (previous) => matching(dayOfMonthFrom(soon(previous), Number(d)), indexOf(name)));
  }
  for (const { 1: one, 2: other, span } of text.matches(weekAndDay)) {
    add(span, () => weekdayOfNextWeek(today, indexOf(one ?? other ?? '')));
  }
  // "Friday week" is a week after Friday for some, and unknown to most.
  for (const { span } of text.matches(weekLater)) add(span, () => undefined);
  for (const { 1: n = '', 2: unit = '', 3: from = '', span } of text.matches(fromToday)) {
    const ahead = daysOf(n, unit) + (from.toLowerCase() === 'tomorrow' ? 1 : 0);
    add(span, () => plusDays(today, ahead));
  }
  for (const { 1: n = '', 2: unit = '', span } of text.matches(later)) {
    add(span, (previous) => previous && plusDays(previous, daysOf(n, unit)), { isReturn: true });
  }
  for (const { 1: n = '', span } of text.matches(nights)) {
    add(span, (previous) => previous && plusDays(previous, daysOf(n, 'day')), { isReturn: true });
  }
  for (const { span } of text.matches(followingDay)) {
    add(span, (previous) => previous && plusDays(previous, 1), { isReturn: true });
  }
  for (const { span } of text.matches(sameDay)) add(span, (previous) => previous, { isReturn: true });
  for (const { 1: name = '', span } of text.matches(holidays)) {
    const [month, day] = fixedDays[name.toLowerCase().replace("'", '')] ?? [0, 0];
    add(span, (previous) => nextDate(soon(previous), month, day));
  }
  for (const mention of chronoDates(text, { now, offsetMinutes, timeZone }))
    add(mention.span, mention.dayAfter, mention);
  for (const { 1: number, 2: word, span } of text.matches(dayOnly)) {
    const day = number === undefined ? ordinalOf(word ?? '') : Number(number);
    if (day !== undefined && day <= 31) add(span, (previous) => dayOfMonthFrom(soon(previous), day));
  }
  for (const match of text.matches(plainWeekday)) {
    const { 1: which = '', 2: name = '', span } = match;
    if (!isWeekday(name, text, span)) continue;
    const weekday = indexOf(name);
    if (which.toLowerCase() !== 'next') {
      add(span, (previous) => weekdayFrom(previous ?? plusDays(today, 1), weekday));
      continue;
    }
    const day = weekdayOfNextWeek(today, weekday);
    add(
      span,
      (previous) => (previous !== undefined && previous > day ? weekdayFrom(previous, weekday) : day),
      {
        assumption: `"${match[0]}" is read as ${day}`,
      },
    );
  }
  return merged(
    found.sort((one, other) => one.span.start - other.span.start),
    text,
  );
}

interface Mention extends DateMention {
  /** Of one that names a weekday alone. */
  readonly weekday?: number;
}

function* chronoDates(
  text: MessageText,
  { now, offsetMinutes, timeZone }: { now: Date; offsetMinutes: number; timeZone: string },
): Generator<Mention> {
  // Whether 3/12 is in March or in December depends on where one is.
  const parser = timeZone.startsWith('America/') ? chrono.en.casual : chrono.en.GB;
  const reference = { instant: now, timezone: offsetMinutes };
  for (const { index, text: words, start, end } of parser.parse(text.rest, reference, {
    forwardDate: true,
  })) {
    const isSlash = /^\d{1,2}\/\d{1,2}$/.test(words) || /^\d{1,2}\/\d{1,2}\/\d{2,4}$/.test(words);
    const isRelative =
      start.tags().has('result/relativeDate') ||
      start.tags().has('casualReference/tomorrow') ||
      start.tags().has('casualReference/today') ||
      start.tags().has('casualReference/tonight');
    const isDay = start.isCertain('day') && (start.isCertain('month') || isRelative);
    if (
      !isDay ||
      /^\d{1,2}[.:]\d{1,2}$/.test(words) ||
      /^\d+ ?(?:min(?:ute)?s?|h(?:ou)?rs?|h|s(?:econd)?s?)\b/i.test(words)
    )
      continue;
    if (vague.test(text.whole.slice(Math.max(0, index - 30), index))) continue;
    // What chrono takes of the hours is read elsewhere.
    const length = words.length - (partAtEnd.exec(words)?.[0].length ?? 0);
    if (/^tonight/i.test(words)) continue;
    const span = { start: index, end: index + length };
    const day = dayOf(start.get('year')!, start.get('month')!, start.get('day')!);
    if (day === undefined) continue;
    const [, month = 0, number = 0] = day.split('-').map(Number);
    const isEither = isSlash && month <= 12 && number <= 12 && month !== number;
    const given = start.get('weekday');
    const isContradicted = start.isCertain('weekday') && given !== null && given !== weekdayOf(day);
    yield {
      span: !end ? span : { start: index, end: index + length - 1 },
      dayAfter: (previous) =>
        isContradicted ? undefined : notBefore(day, previous, start.isCertain('year')),
      isReturn: false,
      isAlternative: false,
      ...(isEither && { assumption: `"${words}" is read as ${day}` }),
    };
    if (!end) continue;
    const last = dayOf(end.get('year')!, end.get('month')!, end.get('day')!);
    if (last === undefined || last === day) continue;
    yield {
      span: { start: index + length - 1, end: index + length },
      dayAfter: (previous) => notBefore(last, previous, end.isCertain('year')),
      isReturn: true,
      isAlternative: false,
    };
  }
}

/** A weekday and a day side by side are one day, which the second names; "the 13th or the 14th" is none. */
function merged(mentions: readonly Mention[], text: MessageText): DateMention[] {
  const result: Mention[] = [];
  for (const mention of mentions) {
    const last = result.at(-1);
    const gap = last === undefined ? '' : text.whole.slice(last.span.end, mention.span.start);
    if (
      last !== undefined &&
      isName(text, last.span) &&
      !isName(text, mention.span) &&
      /^[ ,.(-]{1,3}$/.test(gap)
    ) {
      const weekday = indexOf(text.whole.slice(last.span.start, last.span.end));
      result.pop();
      result.push({ ...mention, dayAfter: (previous) => matching(mention.dayAfter(previous), weekday) });
    } else if (last !== undefined && alternative.test(gap)) {
      result.pop();
      result.push({ ...last, dayAfter: () => undefined, isAlternative: true });
    } else {
      result.push(mention);
    }
  }
  return result;
}

function isName(text: MessageText, { start, end }: Span): boolean {
  return phrase(`^${WEEKDAY}$`, 'i').test(text.whole.slice(start, end));
}

/** A weekday that contradicts its date leaves nobody sure of either. */
function matching(day: Day, weekday: number): Day {
  return day !== undefined && weekdayOf(day) === weekday ? day : undefined;
}

/** The same day of a later year where it would lie before the leg before, unless the year was given. */
function notBefore(day: CalendarDay, previous: Day, hasYear: boolean): Day {
  if (previous === undefined || day >= previous || hasYear) return day;
  const [year = 0, month = 0, number = 0] = day.split('-').map(Number);
  return dayOf(year + 1, month, number);
}

function nextDate(from: CalendarDay, month: number, number: number): Day {
  const year = Number(from.slice(0, 4));
  const day = dayOf(year, month, number);
  return day !== undefined && day >= from ? day : dayOf(year + 1, month, number);
}

function indexOf(weekday: string): number {
  return weekdays.indexOf(weekday.slice(0, 3).toLowerCase());
}

function daysOf(number: string, unit: string): number {
  return (numberOf(number) ?? 0) * (unit.toLowerCase().startsWith('week') ? 7 : 1);
}

/** "Sun Valley" and the code SUN are no Sunday. */
function isWeekday(word: string, text: MessageText, { start, end }: Span): boolean {
  if (!shortWord.test(word.toLowerCase())) return true;
  const around = text.whole.slice(Math.max(0, start - 4), end + 4);
  if (dayRange.test(around)) return true;
  const isCode =
    word === word.toUpperCase() &&
    /[A-Z]{3}[->/ ]$|^[->/][A-Z]{3}/.test(text.whole.slice(Math.max(0, start - 4), start));
  return !isCode && !/^ (?:valley|city|juan|island|peaks)/i.test(text.whole.slice(end, end + 8));
}
