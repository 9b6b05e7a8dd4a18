import { createHash } from 'node:crypto';
import type { Aircraft } from '../agents.tables';
import type { FlightSearchWish, Quote, QuoteLeg, QuoteLine } from '../quote';
import { assumptions } from './charter-assumptions';
import { localTimeAt } from './local-time';
import { sumOf } from './trip-price';
import type { TripPlan } from './trip-plan';
import type { TimedFlight } from './trip-schedule';

// Each toLocaleString would make another one.
const withCents = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** A plan as a quote, with its price explained. */
export function quoteOf(
  wish: FlightSearchWish,
  aircraft: Aircraft,
  plan: TripPlan,
  lines: readonly QuoteLine[],
): Quote {
  const priceCents = sumOf(lines);
  const legs = plan.legs.map(legOf);
  const { id, type, category, seats, homeBase, operatorRating, operatorName } = aircraft;
  const content = {
    operatorName,
    price: priceCents / 100,
    priceCents,
    currency: 'USD' as const,
    aircraft: { id, type, category, seats, homeBase, operatorRating },
    passengers: wish.passengers,
    legs,
    blockMinutes: legs.reduce((sum, { blockMinutes }) => sum + blockMinutes, 0),
    fuelStopCount: legs.reduce((sum, { fuelStops }) => sum + fuelStops.length, 0),
    lines,
    notes: [...plan.notes, ...budgetNotes(priceCents, wish.budget), ...airportNotes(plan), ...standingNotes],
  };
  return { id: idOf(wish, aircraft, content), ...content };
}

function legOf({ flight, departs, arrives }: TimedFlight): QuoteLeg {
  const { from, to, sectors, distanceNm, blockMinutes } = flight;
  return {
    departure: from.icao,
    arrival: to.icao,
    distanceNm,
    blockMinutes,
    departsAt: localTimeAt(departs, from.timeZone).iso,
    arrivesAt: localTimeAt(arrives, to.timeZone).iso,
    fuelStops: sectors
      .slice(0, -1)
      .map((sector) => ({ airport: sector.to.icao, minutes: assumptions.fuelStopMinutes })),
  };
}

const { jetWindKt, routingPercent, taxiMinutes, climbMinutes, reserveMinutes } = assumptions;

const standingNotes = [
  `Times allow for ${taxiMinutes + climbMinutes} minutes of taxi and climb per landing, airways ${routingPercent - 100} % longer ` +
    `than the great circle, and a westerly wind of up to ${jetWindKt} kt, of which half is counted when it helps.`,
  `Range is counted with ${reserveMinutes} minutes held back and the weight of the passengers.`,
  'Taxes, de-icing and catering are not included; slots and crew are to be confirmed by the operator.',
];

function budgetNotes(priceCents: number, budget: number | undefined): string[] {
  if (budget === undefined) return [];
  const over = priceCents - Math.round(budget * 100);
  if (over <= 0) return [];
  return [`This is ${dollars(over)} over the budget of ${dollars(Math.round(budget * 100))}.`];
}

function airportNotes({ legs }: TripPlan): string[] {
  const airports = new Set(
    legs.flatMap(({ flight }) => flight.sectors.flatMap(({ from, to }) => [from, to])),
  );
  return [...airports]
    .filter(({ runwayFrom }) => runwayFrom === 'derived')
    .map(
      ({ icao, runwayFt, size }) =>
        `No source tells the runway of ${icao}: ${runwayFt} ft are assumed from its size (${size}).`,
    );
}

/** Everything that the quote follows from: any change of the wish, the aircraft or the rules gives another id. */
function idOf(wish: FlightSearchWish, aircraft: Aircraft, content: Omit<Quote, 'id'>): string {
  const { tenant, legs, passengers, budget = null } = wish;
  const asked = legs.map(({ departure, arrival, date, time = null }) => [departure, arrival, date, time]);
  const { version: _version, createdAt: _createdAt, updatedAt: _updatedAt, ...offered } = aircraft;
  const inOrder = Object.entries(offered).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([tenant, asked, passengers, budget, inOrder, content]);
  return `qt_${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`;
}

function dollars(cents: number): string {
  return `$${withCents.format(cents / 100)}`;
}
