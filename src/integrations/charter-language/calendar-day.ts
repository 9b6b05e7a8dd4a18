const DAY_MS = 86_400_000;

/** A day as `YYYY-MM-DD`, without a zone. */
export type CalendarDay = string;

export function dayOf(year: number, month: number, day: number): CalendarDay | undefined {
  const date = new Date(Date.UTC(year, month - 1, day));
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return isReal ? date.toISOString().slice(0, 10) : undefined;
}

export function plusDays(day: CalendarDay, days: number): CalendarDay {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}

/** 0 for Sunday. */
export function weekdayOf(day: CalendarDay): number {
  return new Date(day).getUTCDay();
}

/** The first such weekday on or after a day. */
export function weekdayFrom(day: CalendarDay, weekday: number): CalendarDay {
  return plusDays(day, (weekday - weekdayOf(day) + 7) % 7);
}

/** That weekday in the week after the one of the day; weeks begin on Monday. */
export function weekdayOfNextWeek(day: CalendarDay, weekday: number): CalendarDay {
  const monday = plusDays(day, -((weekdayOf(day) + 6) % 7));
  return plusDays(monday, 7 + ((weekday + 6) % 7));
}

/** The first day on or after another whose number in its month is this one. */
export function dayOfMonthFrom(from: CalendarDay, number: number): CalendarDay | undefined {
  const [year = 0, month = 0] = from.split('-').map(Number);
  for (let ahead = 0; ahead < 3; ahead += 1) {
    const index = month - 1 + ahead;
    const day = dayOf(year + Math.floor(index / 12), (index % 12) + 1, number);
    if (day !== undefined && day >= from) return day;
  }
  return undefined;
}

/** The day in a zone at a moment, and how many minutes that zone is then ahead of UTC. */
export function dayInZone(now: Date, timeZone: string): { today: CalendarDay; offsetMinutes: number } {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(now);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
  const today = `${part('year')}-${part('month')}-${part('day')}`;
  const local = Date.parse(`${today}T${part('hour')}:${part('minute')}:00Z`);
  return { today, offsetMinutes: Math.round((local - Math.floor(now.getTime() / 60_000) * 60_000) / 60_000) };
}
