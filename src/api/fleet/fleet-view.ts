import { createHash } from 'node:crypto';
import { always } from '../../platform/auth/queue-of';
import type { Aircraft, AvailabilityWindow } from '../../workloads/agents/agents.tables';
import type { Booking } from '../../workloads/agents/fleet-bookings.store';
import type { AircraftDto, AvailabilityWindowDto } from './aircraft.dto';
import type { BookingDto } from './booking.dto';

export const FLEET_PATH = '/api/fleet';

/** The fleet belongs to the queue that searches it: keys can be limited to that. */
export const ofFlightSearch = always('flight-search');

export function aircraftPath(id: string): string {
  return `${FLEET_PATH}/${id}`;
}

export function bookingsPath(aircraftId: string): string {
  return `${aircraftPath(aircraftId)}/bookings`;
}

export function aircraftView({
  tenant: _tenant,
  createdAt,
  updatedAt,
  availability,
  ...rest
}: Aircraft): AircraftDto {
  return {
    ...rest,
    availability: [...availability],
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    links: { self: aircraftPath(rest.id), bookings: bookingsPath(rest.id) },
  };
}

/** Also differs when an aircraft was removed and added again, which begins at version 1 anew. */
export function aircraftTag({ id, version, createdAt }: Aircraft): string {
  const text = `${id} ${version} ${createdAt.toISOString()}`;
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
}

export function bookingView({ tenant: _tenant, startsAt, endsAt, createdAt, ...rest }: Booking): BookingDto {
  return {
    ...rest,
    startsAt: startsAt.toISOString(),
    endsAt: endsAt.toISOString(),
    createdAt: createdAt.toISOString(),
  };
}

/** In UTC, by their beginning. */
export function windowsOf(windows: readonly AvailabilityWindowDto[]): AvailabilityWindow[] {
  return windows
    .map(({ from, until }) => ({ from: new Date(from).toISOString(), until: new Date(until).toISOString() }))
    .sort((a, b) => (a.from < b.from ? -1 : 1));
}
