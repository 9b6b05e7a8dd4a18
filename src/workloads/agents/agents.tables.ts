import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { AircraftCategory } from './quote';

const moment = (name: string) => timestamp(name, { withTimezone: true });

/** The aircraft that a tenant can offer. */
export const fleetAircraft = pgTable(
  'fleet_aircraft',
  {
    tenant: text('tenant').notNull(),
    id: text('id').notNull(),
    registration: text('registration').notNull(),
    type: text('type').notNull(),
    category: text('category').notNull().$type<AircraftCategory>(),
    operatorName: text('operator_name').notNull(),
    /** 0 to 5. */
    operatorRating: numeric('operator_rating', { precision: 2, scale: 1, mode: 'number' }).notNull(),
    /** ICAO code. */
    homeBase: text('home_base').notNull(),
    seats: integer('seats').notNull(),
    /** As its maker tells it for four passengers, without reserve. */
    rangeNm: integer('range_nm').notNull(),
    cruiseKt: integer('cruise_kt').notNull(),
    /** What it needs at sea level with its usual load. */
    runwayFt: integer('runway_ft').notNull(),
    hourlyUsd: integer('hourly_usd').notNull(),
    crewOvernightUsd: integer('crew_overnight_usd').notNull(),
    /** Landing and handling fees, as a share of those that are usual for its category; in hundredths. */
    feePercent: integer('fee_percent').notNull().default(100),
    /** The hours that are paid for each day of a trip, flown or not. */
    minimumHoursPerDay: numeric('minimum_hours_per_day', { precision: 3, scale: 1, mode: 'number' })
      .notNull()
      .default(0),
    /** `return`: the flight home is paid for; `one-way`: it stays where the trip ends. */
    positioning: text('positioning').notNull().default('return').$type<PositioningPolicy>(),
    /** When it can be had at all; always where there is none. */
    availability: jsonb('availability').notNull().default([]).$type<readonly AvailabilityWindow[]>(),
    isActive: boolean('is_active').notNull().default(true),
    /** Rises with every change; the ETag. */
    version: bigint('version', { mode: 'number' }).notNull().default(1),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.id] }),
    uniqueIndex('fleet_aircraft_registration').on(table.tenant, table.registration),
  ],
);

export type Aircraft = typeof fleetAircraft.$inferSelect;
export type AircraftWish = Omit<Aircraft, 'tenant' | 'id' | 'version' | 'createdAt' | 'updatedAt'>;
export type PositioningPolicy = 'return' | 'one-way';

export interface AvailabilityWindow {
  /** Both as ISO 8601 in UTC. */
  readonly from: string;
  readonly until: string;
}

/** When aircraft are taken; from each start to just before its end. */
export const fleetBookings = pgTable(
  'fleet_bookings',
  {
    id: uuid('id').primaryKey(),
    tenant: text('tenant').notNull(),
    aircraftId: text('aircraft_id').notNull(),
    kind: text('kind').notNull().$type<BookingKind>(),
    startsAt: moment('starts_at').notNull(),
    endsAt: moment('ends_at').notNull(),
    /** Whose it is: a request, a work order. */
    reference: text('reference').notNull().default(''),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [index('fleet_bookings_of').on(table.tenant, table.aircraftId, table.endsAt)],
);

export const bookingKinds = ['booking', 'hold', 'maintenance'] as const;
export type BookingKind = (typeof bookingKinds)[number];

/** The tenants that were given the fleet to begin with: what they removed of it stays removed. */
export const fleetSeeds = pgTable('fleet_seeds', {
  tenant: text('tenant').primaryKey(),
  createdAt: moment('created_at').notNull().defaultNow(),
});
