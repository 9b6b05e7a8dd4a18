export const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;

const formats = new Map<string, Intl.DateTimeFormat>();

export interface LocalTime {
  /** `2027-01-31`. */
  readonly date: string;
  /** Since midnight. */
  readonly minutes: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** `2027-01-31T09:30:00-05:00`. */
  readonly iso: string;
}

/** The moment, in milliseconds of the epoch, at which clocks of a zone show this; in a gap, as far after its start. */
export function momentOf(date: string, minutes: number, timeZone: string): number {
  const asUtc = Date.parse(`${date}T00:00:00Z`) + minutes * MINUTE_MS;
  const guess = asUtc - offsetMs(asUtc, timeZone);
  const better = asUtc - offsetMs(guess, timeZone);
  const shows = (moment: number) => moment + offsetMs(moment, timeZone) === asUtc;
  return [better, guess].find(shows) ?? Math.max(guess, better);
}

/** What clocks of a zone show at a moment. */
export function localTimeAt(moment: number, timeZone: string): LocalTime {
  const offset = offsetMs(moment, timeZone);
  const shifted = new Date(moment + offset);
  const text = shifted.toISOString();
  return {
    date: text.slice(0, 10),
    minutes: shifted.getUTCHours() * 60 + shifted.getUTCMinutes(),
    weekday: shifted.getUTCDay(),
    iso: `${text.slice(0, 19)}${offsetText(offset)}`,
  };
}

/** Whole days from one date to another. */
export function daysBetween(from: string, until: string): number {
  return Math.round(
    (Date.parse(`${until}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / (DAY_MINUTES * MINUTE_MS),
  );
}

/** `5 h 07 min`. */
export function durationText(minutes: number): string {
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

function offsetMs(moment: number, timeZone: string): number {
  const found: Record<string, number> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(moment)) found[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = found;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(moment / 1_000) * 1_000;
}

// As many as there are zones; each costs some milliseconds to make.
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(timeZone, made);
  return made;
}

function offsetText(offset: number): string {
  const minutes = Math.round(Math.abs(offset) / MINUTE_MS);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
