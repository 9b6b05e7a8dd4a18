import type { MessageText, Span } from './message-text';
import { phrase } from './phrase-pattern';

const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
/** A weekday in a pattern, whole or short. */
export const WEEKDAY = '(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?';
const shortWord = /^(?:sun|mon|sat|wed|fri)$/;
const dayRange = phrase(`\\b(?:sat|sun|mon|fri)(?:urday|day)?-(?:sat|sun|mon|fri)(?:urday|day)?\\b`, 'i');

/** 0 for Sunday, as of a date. */
export function weekdayIndex(weekday: string): number {
  return weekdays.indexOf(weekday.slice(0, 3).toLowerCase());
}

/** Whether a span is the name of a weekday and nothing else. */
export function isWeekdayName(text: MessageText, { start, end }: Span): boolean {
  return phrase(`^${WEEKDAY}$`, 'i').test(text.whole.slice(start, end));
}

/** "Sun Valley" and the code SUN are no Sunday. */
export function isWeekdayMeant(word: string, text: MessageText, { start, end }: Span): boolean {
  if (!shortWord.test(word.toLowerCase())) return true;
  const around = text.whole.slice(Math.max(0, start - 4), end + 4);
  if (dayRange.test(around)) return true;
  const isCode =
    word === word.toUpperCase() &&
    /[A-Z]{3}[->/ ]$|^[->/][A-Z]{3}/.test(text.whole.slice(Math.max(0, start - 4), start));
  return !isCode && !/^ (?:valley|city|juan|island|peaks)/i.test(text.whole.slice(end, end + 8));
}
