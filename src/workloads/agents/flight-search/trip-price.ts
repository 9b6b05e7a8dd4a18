import type { Airport } from '../../../integrations/airports/airport';
import type { Aircraft } from '../agents.tables';
import type { QuoteLine, QuoteLineCode } from '../quote';
import { feeCents, type FeeKind } from './airport-fees';
import { assumptions } from './charter-assumptions';
import { durationText } from './local-time';
import type { Flight } from './sector-plan';
import type { TripPlan } from './trip-plan';

// Each toLocaleString would make another one.
const whole = new Intl.NumberFormat('en-US');

/** What a trip costs, line by line; what costs nothing has no line. */
export function priceLines(
  { legs, positioning, nights, days, secondCrews }: TripPlan,
  aircraft: Aircraft,
): QuoteLine[] {
  const { hourlyUsd, crewOvernightUsd, minimumHoursPerDay, homeBase } = aircraft;
  const rate = `${dollars(hourlyUsd)} an hour`;
  const flown = legs.map(({ flight }) => flight);
  const empty = positioning.map(({ flight }) => flight);
  const all = [...flown, ...empty];
  const minutes = minutesOf(all);
  const missing = Math.max(0, Math.round(minimumHoursPerDay * days * 60) - minutes);
  const landings = all.flatMap(({ sectors }) => sectors.map(({ to }) => to));
  const visits = landings.filter(({ icao }) => icao !== homeBase);
  const hours = (worked: number) => Math.round((worked * hourlyUsd * 100) / 60);
  const fees = (kind: FeeKind, airports: readonly Airport[]) =>
    airports.reduce((sum, { size }) => sum + feeCents(kind, size, aircraft), 0);
  return [
    line(
      'flight-time',
      `${durationText(minutesOf(flown))} with passengers at ${rate}`,
      hours(minutesOf(flown)),
    ),
    line(
      'positioning',
      `${durationText(minutesOf(empty))} empty (${routeText(empty)}) at ${rate}`,
      hours(minutesOf(empty)),
    ),
    line(
      'minimum-hours',
      `${durationText(missing)} up to ${minimumHoursPerDay} hours a day over ${count(days, 'day')} at ${rate}`,
      hours(missing),
    ),
    line('landing', `${count(landings.length, 'landing')}: ${codes(landings)}`, fees('landing', landings)),
    line('handling', `Handling at ${codes(visits)}`, fees('handling', visits)),
    line('parking', `${count(nights.length, 'night')} at ${codes(nights)}`, fees('parking', nights)),
    line(
      'crew-overnight',
      `${count(nights.length, 'night')} of the crew at ${dollars(crewOvernightUsd)}`,
      nights.length * crewOvernightUsd * 100,
    ),
    line(
      'second-crew',
      `A second crew for ${count(secondCrews, 'long day')}`,
      secondCrews * assumptions.secondCrewUsdPerDuty * 100,
    ),
  ].filter(({ amountCents }) => amountCents !== 0);
}

/** In whole cents. */
export function sumOf(lines: readonly QuoteLine[]): number {
  return lines.reduce((sum, { amountCents }) => sum + amountCents, 0);
}

function line(code: QuoteLineCode, description: string, amountCents: number): QuoteLine {
  return { code, description, amountCents };
}

function minutesOf(flights: readonly Flight[]): number {
  return flights.reduce((sum, { flightMinutes }) => sum + flightMinutes, 0);
}

function routeText(flights: readonly Flight[]): string {
  return flights.map(({ from, to }) => `${from.icao}–${to.icao}`).join(', ');
}

function codes(airports: readonly Airport[]): string {
  return [...new Set(airports.map(({ icao }) => icao))].join(', ');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function dollars(amount: number): string {
  return `$${whole.format(amount)}`;
}
