import type { CharterLeg, PlaceMention, TripType } from './charter-request';
import type { CalendarDay } from './calendar-day';
import type { DateMention } from './date-mention';
import type { MessageText } from './message-text';
import type { FoundPlace } from './place-mentions';
import type { TimeMention } from './time-mentions';

export const nowhere: PlaceMention = { text: '', airport: null, candidates: [] };

export interface Trip {
  readonly tripType: TripType;
  readonly legs: readonly CharterLeg[];
  readonly assumptions: readonly string[];
}

interface TripParts {
  readonly places: readonly FoundPlace[];
  readonly dates: readonly DateMention[];
  readonly times: readonly TimeMention[];
  readonly flexibleDays: number;
}

interface Hop {
  readonly departure: PlaceMention;
  readonly arrival: PlaceMention;
  readonly start: number;
}

const MAX_LEGS = 10;
const wholeTrip =
  /\b(?:round[- ]?trip|return (?:flight|trip|ticket|charter)|both ways|there and back|and back\b(?! (?:on|by|at|in|to))|r\/t\b)/gi;
const oneWay = /\b(?:one[- ]?way|1[- ]?way|single trip)\b/i;
const backwards =
  /\b(?:back|return(?:ing|s)?|rtn|ret|inbound|com(?:e|ing) (?:back|home)|(?:be|get|fly|go|bring \w{2,10}|and|,) home|home (?:on|by|for|at)\b|homebound|until|till|through|thru)\b/gi;
const openReturn =
  /\breturn (?:is |date )?(?:tbd|tba|open|unknown|flexible)\b|\bnot sure about the return\b/i;
/** Puts what was found in a message together to flights. */
export function tripOf(text: MessageText, { places, flexibleDays, ...moments }: TripParts): Trip {
  const { whole } = text;
  const hops = withReturn(hopsOf(places, whole), { whole, dates: moments.dates });
  const isThereAndBack = hops.length === 2 && isReverse(hops[0]!, hops[1]!);
  const legs = scheduled(hops, { whole, ...moments }).map((leg) => ({ ...leg, flexibleDays }));
  return {
    tripType: isThereAndBack ? 'round_trip' : hops.length > 1 ? 'multi_leg' : 'one_way',
    legs,
    assumptions: moments.dates.flatMap(({ assumption }) => (assumption === undefined ? [] : [assumption])),
  };
}

/** From where to where, in the order in which it is flown. */
function hopsOf(places: readonly FoundPlace[], whole: string): Hop[] {
  const hops: Hop[] = [];
  let from: FoundPlace | undefined;
  let to: FoundPlace | undefined;
  let alone: FoundPlace | undefined;
  const add = (departure: FoundPlace, arrival: FoundPlace) => {
    const hop = { departure: departure.place, arrival: arrival.place, start: departure.span.start };
    const isKnown = hops.some(
      (one) => isSamePlace(one.departure, hop.departure) && isSamePlace(one.arrival, hop.arrival),
    );
    if (!isKnown && !isSamePlace(hop.departure, hop.arrival) && hops.length < MAX_LEGS) hops.push(hop);
    from = to = alone = undefined;
  };
  places.forEach((place, at) => {
    const last = places[at - 1];
    const lead = whole.slice(Math.max(0, place.span.start - 30), place.span.start);
    if (place.isNext && last !== undefined) add(last, place);
    else if (place.role === 'from' && from !== undefined && /\b(?:back|home|return)\b/i.test(lead))
      add(from, place);
    else if (place.role === 'from' && to !== undefined && hops.length === 0) add(place, to);
    else if (place.role === 'from') from = place;
    else if (place.role === 'to' && from !== undefined) add(from, place);
    else if (place.role === 'to' && alone !== undefined && hops.length === 0) add(alone, place);
    else if (place.role === 'to' && hops.length > 0 && /\b(?:then|onward|on to)\b/i.test(lead))
      add({ ...place, place: hops.at(-1)!.arrival }, place);
    else if (place.role === 'to') to ??= place;
    else alone ??= place;
  });
  if (hops.length > 0) return hops;
  const departure = from ?? (to === undefined ? undefined : alone);
  const arrival = to ?? (from === undefined ? undefined : alone);
  const first = departure ?? arrival ?? alone;
  if (first === undefined) return [];
  const isArrival = departure === undefined && arrival !== undefined;
  return [
    {
      departure: departure?.place ?? (isArrival ? nowhere : (alone?.place ?? nowhere)),
      arrival: arrival?.place ?? nowhere,
      start: first.span.start,
    },
  ];
}

/** Adds the way back where the message speaks of one. */
function withReturn(
  hops: readonly Hop[],
  { whole, dates }: { whole: string; dates: readonly DateMention[] },
): Hop[] {
  const [only] = hops;
  if (hops.length !== 1 || only === undefined || oneWay.test(whole)) return [...hops];
  const usable = dates.filter(({ isAlternative }) => !isAlternative);
  const isBack =
    (whole.search(wholeTrip) !== -1 ||
      whole.search(backwards) !== -1 ||
      usable.length > 1 ||
      usable.some(({ isReturn }) => isReturn)) &&
    !(openReturn.test(whole) && usable.length < 2);
  if (!isBack) return [only];
  return [only, { departure: only.arrival, arrival: only.departure, start: Number.MAX_SAFE_INTEGER }];
}

type Timed = Omit<CharterLeg, 'flexibleDays'>;

/** Gives each leg the days and times that stand with it. */
function scheduled(
  hops: readonly Hop[],
  { whole, dates, times }: { whole: string; dates: readonly DateMention[]; times: readonly TimeMention[] },
): Timed[] {
  const days: (DateMention | undefined)[] = hops.map(() => undefined);
  const hours: (string | undefined)[] = hops.map(() => undefined);
  if (hops.length === 0) return [];
  const isReturnTrip = hops.length === 2 && hops[1]!.start === Number.MAX_SAFE_INTEGER;
  let leg = 0;
  for (const event of eventsOf(whole, { hops, dates, times, isReturnTrip })) {
    if (event.kind === 'leg') leg = Math.max(leg, event.leg);
    else if (event.kind === 'back')
      leg = isReturnTrip && (days[0] !== undefined || hours[0] !== undefined) ? 1 : leg;
    else if (event.kind === 'date') {
      if (isReturnTrip && event.date.isReturn) {
        days[1] ??= event.date;
        leg = days[0] === undefined ? 0 : 1;
        continue;
      }
      if (days[leg] !== undefined && leg + 1 < hops.length) leg += 1;
      days[leg] ??= event.date;
    } else if (!event.time.isArrival) hours[leg] ??= event.time.time;
  }
  // "For Thursday: there at 8, back at 18": one day, said before all flights.
  const isOneDay =
    dates.length === 1 && dates[0]!.span.start < hops[0]!.start && hours.every((hour) => hour !== undefined);
  if (isOneDay) days.fill(dates[0]);
  let previous: CalendarDay | undefined;
  return hops.map(({ departure, arrival }, at) => {
    const date = days[at]?.dayAfter(previous) ?? null;
    previous = date ?? previous;
    return { departure, arrival, date, time: hours[at] ?? null };
  });
}

type Event = { readonly at: number } & (
  | { readonly kind: 'leg'; readonly leg: number }
  | { readonly kind: 'back' }
  | { readonly kind: 'date'; readonly date: DateMention }
  | { readonly kind: 'time'; readonly time: TimeMention }
);

function eventsOf(
  whole: string,
  {
    hops,
    dates,
    times,
    isReturnTrip,
  }: {
    hops: readonly Hop[];
    dates: readonly DateMention[];
    times: readonly TimeMention[];
    isReturnTrip: boolean;
  },
): Event[] {
  // Legs that are named in one breath say nothing of where the days of each begin.
  const isOneBreath = hops.every(
    ({ start }, at) =>
      at === 0 ||
      [...dates, ...times].every(({ span }) => span.start < hops[at - 1]!.start || span.start > start),
  );
  const events: Event[] = [
    ...dates.map((date) => ({ kind: 'date' as const, date, at: date.span.start })),
    ...times.map((time) => ({ kind: 'time' as const, time, at: time.span.start })),
  ];
  if (!isReturnTrip && !isOneBreath)
    events.push(...hops.map(({ start }, leg) => ({ kind: 'leg' as const, leg, at: start })));
  if (isReturnTrip) {
    const flags = [...whole.matchAll(wholeTrip)].map(({ index }) => index);
    for (const { index } of whole.matchAll(backwards)) {
      if (!flags.includes(index)) events.push({ kind: 'back', at: index });
    }
  }
  return events.sort((one, other) => one.at - other.at);
}

function isReverse(one: Hop, other: Hop): boolean {
  return isSamePlace(one.departure, other.arrival) && isSamePlace(one.arrival, other.departure);
}

function isSamePlace(one: PlaceMention, other: PlaceMention): boolean {
  if (one.candidates.length === 0 || other.candidates.length === 0) return one.text === other.text;
  return one.candidates[0] === other.candidates[0];
}
