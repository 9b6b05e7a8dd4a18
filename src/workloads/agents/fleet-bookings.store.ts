import { Injectable } from '@nestjs/common';
import { and, asc, eq, gt, inArray, lt, sql } from 'drizzle-orm';
import { isUUID } from 'class-validator';
import { randomUUID } from 'node:crypto';
import { Database } from '../../platform/database/database.service';
import { fleetAircraft, fleetBookings } from './agents.tables';
import { AircraftAvailability, type Period } from './aircraft-availability';
import { isAircraftId } from './fleet.store';

export type Booking = typeof fleetBookings.$inferSelect;
export type BookingWish = Pick<Booking, 'kind' | 'startsAt' | 'endsAt' | 'reference'>;

export const MAX_BOOKINGS_PER_AIRCRAFT = 1_000;

const MAX_TAKEN_PERIODS = 50_000;

/** `taken`: another booking overlaps; `full`: the aircraft has {@link MAX_BOOKINGS_PER_AIRCRAFT}; `unknown`: no such aircraft. */
export type BookingRefusal = 'taken' | 'full' | 'unknown';

/** When the aircraft of the fleet are taken: the availability that Holdfast brings itself. */
@Injectable()
export class FleetBookings extends AircraftAvailability {
  constructor(private readonly database: Database) {
    super();
  }

  override async takenPeriods(
    tenant: string,
    aircraftIds: readonly string[],
    { from, until }: Period,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly Period[]>> {
    signal.throwIfAborted();
    if (aircraftIds.length === 0) return new Map();
    const rows = await this.database.query
      .select({
        aircraftId: fleetBookings.aircraftId,
        from: fleetBookings.startsAt,
        until: fleetBookings.endsAt,
      })
      .from(fleetBookings)
      .where(
        and(
          eq(fleetBookings.tenant, tenant),
          inArray(fleetBookings.aircraftId, [...aircraftIds]),
          gt(fleetBookings.endsAt, from),
          lt(fleetBookings.startsAt, until),
        ),
      )
      .orderBy(asc(fleetBookings.startsAt))
      .limit(MAX_TAKEN_PERIODS);
    const taken = new Map<string, Period[]>(rows.map(({ aircraftId }) => [aircraftId, []]));
    for (const { aircraftId, ...period } of rows) taken.get(aircraftId)?.push(period);
    return taken;
  }

  /** Takes an aircraft for a while; two that overlap are never both stored. */
  async book(wish: BookingWish, aircraftId: string, tenant: string): Promise<Booking | BookingRefusal> {
    return this.database.transaction(async (transaction) => {
      const [aircraft] = await transaction
        .select({ id: fleetAircraft.id })
        .from(fleetAircraft)
        .where(and(eq(fleetAircraft.tenant, tenant), eq(fleetAircraft.id, aircraftId)))
        .for('update');
      if (aircraft === undefined) return 'unknown';
      const others = await transaction
        .select({ startsAt: fleetBookings.startsAt, endsAt: fleetBookings.endsAt })
        .from(fleetBookings)
        .where(ofAircraft(aircraftId, tenant))
        .limit(MAX_BOOKINGS_PER_AIRCRAFT);
      if (others.some(({ startsAt, endsAt }) => startsAt < wish.endsAt && wish.startsAt < endsAt))
        return 'taken';
      if (others.length >= MAX_BOOKINGS_PER_AIRCRAFT) return 'full';
      const [booked] = await transaction
        .insert(fleetBookings)
        .values({ ...wish, id: randomUUID(), tenant, aircraftId })
        .returning();
      return booked!;
    });
  }

  /** By their start; `after` is where the page before ended. */
  async list(
    aircraftId: string,
    tenant: string,
    { limit, after }: { limit: number; after?: { startsAt: Date; id: string } },
  ): Promise<Booking[]> {
    const { startsAt, id } = fleetBookings;
    const position =
      after && sql`(${startsAt}, ${id}) > (${after.startsAt.toISOString()}::timestamptz, ${after.id}::uuid)`;
    return this.database.query
      .select()
      .from(fleetBookings)
      .where(and(ofAircraft(aircraftId, tenant), position))
      .orderBy(asc(startsAt), asc(id))
      .limit(limit);
  }

  /** False when there is none. */
  async release(id: string, aircraftId: string, tenant: string): Promise<boolean> {
    if (!isUUID(id) || !isAircraftId(aircraftId)) return false;
    const released = await this.database.query
      .delete(fleetBookings)
      .where(and(ofAircraft(aircraftId, tenant), eq(fleetBookings.id, id)))
      .returning({ id: fleetBookings.id });
    return released.length > 0;
  }
}

function ofAircraft(aircraftId: string, tenant: string) {
  return and(eq(fleetBookings.tenant, tenant), eq(fleetBookings.aircraftId, aircraftId));
}
