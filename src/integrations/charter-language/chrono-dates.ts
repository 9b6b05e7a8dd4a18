import * as chrono from 'chrono-node';
import { dayOf, weekdayOf, type CalendarDay } from './calendar-day';
import type { DateMention } from './date-mention';
import type { MessageText } from './message-text';

const partAtEnd = /,? (?:(?:at|in the|this) )?(?:morning|afternoon|evening|night)$/i;
const vague =
  /\b(?:or so|sometime|early|mid|late|end of|beginning of|week of|first week|second week|last week|the week|\w{2,12} before) ?(?:in |of )?$/i;

/** The dates that chrono finds in what is left of a message; of a range, both ends. */
export function* chronoDates(
  text: MessageText,
  { now, offsetMinutes, timeZone }: { now: Date; offsetMinutes: number; timeZone: string },
): Generator<DateMention> {
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

/** The same day of a later year where it would lie before the leg before, unless the year was given. */
function notBefore(
  day: CalendarDay,
  previous: CalendarDay | undefined,
  hasYear: boolean,
): CalendarDay | undefined {
  if (previous === undefined || day >= previous || hasYear) return day;
  const [year = 0, month = 0, number = 0] = day.split('-').map(Number);
  return dayOf(year + 1, month, number);
}
