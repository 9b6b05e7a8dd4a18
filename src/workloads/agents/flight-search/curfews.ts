import type { LocalTime } from './local-time';

/** When an airport takes no departures, or no arrivals; in minutes of its own day, over midnight where it ends earlier. */
interface ClosedHours {
  readonly from: string;
  readonly until: string;
  /** 0 is Sunday: the days on which the hours begin. Every day where it is missing. */
  readonly days?: readonly number[];
  readonly only?: 'departures' | 'arrivals';
}

const weekdays = [1, 2, 3, 4, 5];

/**
 * Closures for business flights that the airports themselves or their authorities publish, as of 2025. What depends on
 * the noise of one aircraft, on quotas or on permissions of the day is left out: an operator has to confirm slots anyway.
 */
const curfews: Readonly<Record<string, readonly ClosedHours[]>> = {
  // London City: UK AIP, EGLC AD 2.3; closed from Saturday 12:30 to Sunday 12:30.
  EGLC: [
    { from: '22:00', until: '06:30', days: [...weekdays, 0] },
    { from: '12:30', until: '24:00', days: [6] },
    { from: '00:00', until: '12:30', days: [0] },
  ],
  // Farnborough: UK AIP, EGLF AD 2.3; weekends are shorter.
  EGLF: [
    { from: '22:00', until: '24:00', days: weekdays },
    { from: '00:00', until: '07:00', days: weekdays },
    { from: '20:00', until: '24:00', days: [6, 0] },
    { from: '00:00', until: '08:00', days: [6, 0] },
  ],
  // London Biggin Hill: UK AIP, EGKB AD 2.3.
  EGKB: [
    { from: '23:00', until: '24:00', days: weekdays },
    { from: '00:00', until: '06:30', days: weekdays },
    { from: '22:00', until: '24:00', days: [6, 0] },
    { from: '00:00', until: '08:00', days: [6, 0] },
  ],
  // Zurich: its operating regulations (Betriebsreglement), night rest; Swiss AIP, LSZH AD 2.3.
  LSZH: [{ from: '23:00', until: '06:00' }],
  // Geneva: Swiss ordinance on aviation infrastructure (VIL), art. 39a; Swiss AIP, LSGG AD 2.3.
  LSGG: [{ from: '00:00', until: '06:00' }],
  // Paris-Le Bourget: order of 2011 on take-offs of jets at night; French AIP, LFPB AD 2.21.
  LFPB: [{ from: '22:15', until: '06:00', only: 'departures' }],
  // Paris-Orly: decision of 4 April 1968; French AIP, LFPO AD 2.20.
  LFPO: [{ from: '23:30', until: '06:00' }],
  // Frankfurt: planning decision, confirmed by the Federal Administrative Court on 4 April 2012.
  EDDF: [{ from: '23:00', until: '05:00' }],
  // Berlin Brandenburg: planning decision amended in 2009, core night.
  EDDB: [{ from: '00:00', until: '05:00' }],
  // Dusseldorf: operating licence of 2005.
  EDDL: [
    { from: '22:00', until: '06:00', only: 'departures' },
    { from: '23:00', until: '06:00', only: 'arrivals' },
  ],
  // Hamburg: operating licence; German AIP, EDDH AD 2.
  EDDH: [{ from: '23:00', until: '06:00' }],
  // John Wayne, Orange County: General Aviation Noise Ordinance (OCGO 3505) and Phase 2 Access Plan.
  KSNA: [
    { from: '22:00', until: '24:00', only: 'departures' },
    { from: '23:00', until: '24:00', only: 'arrivals' },
    { from: '00:00', until: '07:00', days: [...weekdays, 6] },
    { from: '00:00', until: '08:00', days: [0] },
  ],
  // San Diego: Airport Use Regulations, section 9.40.
  KSAN: [{ from: '23:30', until: '06:30', only: 'departures' }],
  // Aspen: Pitkin County Code, title 10; the airport is closed.
  KASE: [{ from: '23:00', until: '07:00' }],
  // Sydney: Sydney Airport Curfew Act 1995.
  YSSY: [{ from: '23:00', until: '06:00' }],
};

/** Whether an airport is closed to a departure or an arrival at its own local time. */
export function isClosed(
  icao: string,
  { minutes, weekday }: LocalTime,
  movement: 'departures' | 'arrivals',
): boolean {
  const rules = Object.hasOwn(curfews, icao) ? (curfews[icao] ?? []) : [];
  return rules.some(({ from, until, days, only }) => {
    if (only !== undefined && only !== movement) return false;
    const isOn = (day: number) => days === undefined || days.includes(day);
    const [start, end] = [minutesOf(from), minutesOf(until)];
    if (start < end) return isOn(weekday) && minutes >= start && minutes < end;
    return (isOn(weekday) && minutes >= start) || (isOn((weekday + 6) % 7) && minutes < end);
  });
}

export function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}
