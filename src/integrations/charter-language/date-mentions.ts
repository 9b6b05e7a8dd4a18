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
import { chronoDates } from './chrono-dates';
import type { DateMention, Today } from './date-mention';
import { isWeekdayMeant, isWeekdayName, WEEKDAY, weekdayIndex } from './weekday-names';
import type { MessageText, Span } from './message-text';
import { NUMBER, numberOf, ORDINAL_WORD, ordinalOf } from './number-words';
import { phrase } from './phrase-pattern';

type Day = CalendarDay | undefined;

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
  const found: DateMention[] = [];
  const add = (span: Span, dayAfter: DateMention['dayAfter'], extras: Partial<DateMention> = {}) => {
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
    add(span, (previous) => matching(dayOfMonthFrom(soon(previous), Number(d)), weekdayIndex(name)));
  }
  for (const { 1: one, 2: other, span } of text.matches(weekAndDay)) {
    add(span, () => weekdayOfNextWeek(today, weekdayIndex(one ?? other ?? '')));
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
    if (!isWeekdayMeant(name, text, span)) continue;
    const weekday = weekdayIndex(name);
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

/** A weekday and a day side by side are one day, which the second names; "the 13th or the 14th" is none. */
function merged(mentions: readonly DateMention[], text: MessageText): DateMention[] {
  const result: DateMention[] = [];
  for (const mention of mentions) {
    const last = result.at(-1);
    const gap = last === undefined ? '' : text.whole.slice(last.span.end, mention.span.start);
    if (
      last !== undefined &&
      isWeekdayName(text, last.span) &&
      !isWeekdayName(text, mention.span) &&
      /^[ ,.(-]{1,3}$/.test(gap)
    ) {
      const weekday = weekdayIndex(text.whole.slice(last.span.start, last.span.end));
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

/** A weekday that contradicts its date leaves nobody sure of either. */
function matching(day: Day, weekday: number): Day {
  return day !== undefined && weekdayOf(day) === weekday ? day : undefined;
}

function nextDate(from: CalendarDay, month: number, number: number): Day {
  const year = Number(from.slice(0, 4));
  const day = dayOf(year, month, number);
  return day !== undefined && day >= from ? day : dayOf(year + 1, month, number);
}

function daysOf(number: string, unit: string): number {
  return (numberOf(number) ?? 0) * (unit.toLowerCase().startsWith('week') ? 7 : 1);
}
