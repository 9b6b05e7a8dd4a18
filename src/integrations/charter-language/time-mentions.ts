import type { PartOfDay } from './charter-request';
import type { MessageText, Span } from './message-text';
import { phrase } from './phrase-pattern';

/** A time of day as a message names it. */
export interface TimeMention {
  readonly span: Span;
  /** `HH:MM`, or a part of the day. */
  readonly time: string;
  /** Whether it is when somebody wants to arrive, so that nobody said when to depart. */
  readonly isArrival: boolean;
  /** Read from a bare hour, which might be in the other half of the day. */
  readonly isAssumed: boolean;
}

const PARTS = 'morning|afternoon|evening|night';
const HOURS = 'one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve';
const hours = HOURS.split('|');
const HALF = `(?: ?(a\\.?m\\b\\.?|p\\.?m\\b\\.?))`;

const clock = phrase(
  `(?<![\\d:/.-])(\\d{1,2})[:.h]([0-5]\\d)${HALF}?(?: ?(?:hrs?|hours|local|lt|l|z|utc)\\b)?(?![\\d/:]|\\.\\d)(?:,? (?:in the |at )(${PARTS}))?`,
  'gi',
);
const wholeHour = phrase(`(?<![\\d:/.-])(\\d{1,2})${HALF}`, 'gi');
const inPart = phrase(`\\b(\\d{1,2}|${HOURS})(?: o'?clock)?,? (?:in the|at) (${PARTS})\\b`, 'gi');
const oclock = phrase(`\\b(\\d{1,2}|${HOURS}) o'?clock\\b`, 'gi');
const fraction = phrase(
  `\\b(half|quarter) (past|to|after) (\\d{1,2}|${HOURS})\\b(?: (?:in the )?(${PARTS}))?`,
  'gi',
);
const military =
  /(?<![\w:/.-])([01]\d|2[0-3])([0-5]\d) ?(?:hrs?\b|hours\b|local\b|lt\b|l\b|z\b|utc\b)?(?![\w:/-])/gi;
const noon = /\b(?:12 )?noon\b|\bmidday\b/gi;
const midnight = /\bmidnight\b/gi;
const bareHour = phrase(
  `\\b(?:at|at around|at about|depart|departing|departure) (\\d{1,2}|${HOURS})(?:ish)?\\b(?! ?(?:[:/.-] ?\\d|to \\d|pax|ppl|people|passengers|guests|persons|of us|days?|weeks?|nights?|hours?|k\\b|st\\b|nd\\b|rd\\b|th\\b|january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|usd|eur|gbp|grand|thousand|·))`,
  'gi',
);
const parts = phrase(
  `\\b(?:early |late |mid-?)?(${PARTS})s?\\b|(?<!\\bi )\\b(am|pm)\\b|\\b(after lunch)\\b|\\b(?:for |by |around )?(dinner)\\b|\\b(red[- ]?eye|overnight)\\b|\\b(tonight)\\b|\\b(breakfast)\\b`,
  'gi',
);
const greeting = /\bgood (?:morning|afternoon|evening|day|night)\b/gi;
const arriving =
  /\b(?:by|before|arriv(?:e|ing|al)|land(?:ing)?|(?:arriv(?:e|ing|al)|land(?:ing)?)(?: \w{1,12})? (?:by|before|at)|no later than|latest)(?: \w{1,9})? ?$/i;
const notBefore = /\b(?:not|no) (?:before|earlier than) ?$/i;
const between =
  /\bbetween (?:\d{1,2}|\w{3,6})(?: ?[ap]m)? and (?:\d{1,2}|\w{3,6})(?: ?[ap]m)?(?: (?:in the \w+))?/gi;

/** Takes the hours out of a message, before others read a year in them. */
export function takeHours(text: MessageText): TimeMention[] {
  const found: TimeMention[] = [];
  const add = (span: Span, time: string | undefined, isAssumed = false) => {
    if (time === undefined) return;
    found.push({ span, time, isArrival: isArrival(text, span), isAssumed });
    text.take(span);
  };
  // Two times for one departure are a wish, no time.
  for (const { span } of text.matches(between)) text.take(span);
  for (const { 1: h = '', 2: m = '', 3: half, 4: part, span } of text.matches(clock))
    add(span, at(Number(h), Number(m), half ?? part));
  for (const { 1: h = '', 2: half, span } of text.matches(wholeHour)) add(span, at(Number(h), 0, half));
  for (const { 1: of = '', 2: way = '', 3: h = '', 4: part, span } of text.matches(fraction)) {
    const minutes = of.toLowerCase() === 'half' ? 30 : 15;
    const isTo = way.toLowerCase() === 'to';
    const whole = hourOf(h);
    add(
      span,
      at(isTo ? whole - 1 : whole, isTo ? 60 - minutes : minutes, part ?? likelyHalf(whole)),
      part === undefined,
    );
  }
  for (const { 1: h = '', 2: part, span } of text.matches(inPart)) add(span, at(hourOf(h), 0, part));
  for (const { 1: h = '', span } of text.matches(oclock))
    add(span, at(hourOf(h), 0, likelyHalf(hourOf(h))), true);
  for (const { span } of text.matches(noon)) add(span, '12:00');
  for (const { span } of text.matches(midnight)) add(span, '00:00');
  for (const { 0: whole, 1: h = '', 2: m = '', span } of text.matches(military)) {
    const isYear = /^(?:19|20)\d\d$/.test(whole.trim()) && Number(whole) >= 2020 && Number(whole) <= 2039;
    if (!isYear) add(span, at(Number(h), Number(m)));
  }
  for (const { 1: h = '', span } of text.matches(bareHour))
    add(span, at(hourOf(h), 0, likelyHalf(hourOf(h))), true);
  return found;
}

/** Takes the parts of the day out of a message, once its days are taken. */
export function takePartsOfDay(text: MessageText): TimeMention[] {
  const found: TimeMention[] = [];
  for (const { span } of text.matches(greeting)) text.take(span);
  for (const match of text.matches(parts)) {
    const time = partOf(match);
    if (time === undefined) continue;
    found.push({ span: match.span, time, isArrival: isArrival(text, match.span), isAssumed: false });
    text.take(match.span);
  }
  return found;
}

function isArrival(text: MessageText, { start }: Span): boolean {
  const lead = text.whole.slice(Math.max(0, start - 30), start);
  return arriving.test(lead) && !notBefore.test(lead);
}

function partOf([, named, half, lunch, dinner, redEye, tonight, breakfast]: RegExpExecArray):
  PartOfDay | undefined {
  if (named !== undefined) return named.toLowerCase() as PartOfDay;
  if (half !== undefined) return half.toLowerCase() === 'am' ? 'morning' : 'afternoon';
  if (lunch !== undefined) return 'afternoon';
  if (dinner !== undefined) return 'evening';
  if (redEye !== undefined || tonight !== undefined) return 'night';
  return breakfast === undefined ? undefined : 'morning';
}

function hourOf(text: string): number {
  return /^\d/.test(text) ? Number(text) : hours.indexOf(text.toLowerCase()) + 1;
}

/** Whoever says "at 2" does not mean the night. */
function likelyHalf(hour: number): string | undefined {
  if (hour > 12) return undefined;
  return hour < 6 || hour === 12 ? 'pm' : 'am';
}

/** `HH:MM`; undefined for no time of day. `half` is am, pm or a part of the day. */
function at(hour: number, minute: number, half?: string): string | undefined {
  const word = half?.toLowerCase().replaceAll('.', '');
  const isLater = word !== undefined && /^(?:pm|afternoon|evening|night)$/.test(word);
  if (word !== undefined && hour > 12 && (word === 'am' || word === 'pm')) return undefined;
  const full =
    isLater && hour < 12 ? hour + 12 : hour === 12 && (word === 'am' || word === 'night') ? 0 : hour;
  if (full > 23 || minute > 59) return undefined;
  return `${String(full).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}
