import { Injectable } from '@nestjs/common';
import { and, asc, count, eq, gt, ilike, lte, sql } from 'drizzle-orm';
import { createHash } from 'node:crypto';
import { Database, type Transaction } from '../../platform/database/database.service';
import { fleetAircraft, fleetBookings, fleetSeeds, type Aircraft, type AircraftWish } from './agents.tables';
import { defaultFleet } from './default-fleet';
import type { AircraftCategory } from './quote';

export interface FleetFilter {
  readonly category?: AircraftCategory;
  readonly operatorName?: string;
  readonly homeBase?: string;
  readonly minSeats?: number;
  readonly isActive?: boolean;
}

export const MAX_AIRCRAFT = 1_000;

const MAX_REMEMBERED_TENANTS = 1_000;

/** `exists`: another aircraft has the registration; `full`: there are {@link MAX_AIRCRAFT} already. */
export type AircraftRefusal = 'exists' | 'full';

/** The same registration of the same tenant gives the same id. */
export function aircraftId(tenant: string, registration: string): string {
  const hash = createHash('sha256').update(`${tenant}\0${registration}`).digest('base64url');
  return `ac_${hash.slice(0, 22)}`;
}

export function isAircraftId(text: string): boolean {
  return /^ac_[\w-]{22}$/.test(text);
}

/** The aircraft of each tenant; the first who asks for a tenant's fleet finds the default one. */
@Injectable()
export class FleetStore {
  private readonly seeded = new Set<string>();

  constructor(private readonly database: Database) {}

  /** By id; `after` is the last id of the page before. */
  async list(
    tenant: string,
    { limit, after = '', filter = {} }: { limit: number; after?: string; filter?: FleetFilter },
  ): Promise<Aircraft[]> {
    await this.seed(tenant);
    return this.database.query
      .select()
      .from(fleetAircraft)
      .where(and(eq(fleetAircraft.tenant, tenant), gt(fleetAircraft.id, after), ...conditions(filter)))
      .orderBy(asc(fleetAircraft.id))
      .limit(limit);
  }

  /** All that can be offered, by id. */
  async active(tenant: string): Promise<Aircraft[]> {
    return this.list(tenant, { limit: MAX_AIRCRAFT, filter: { isActive: true } });
  }

  async find(id: string, tenant: string): Promise<Aircraft | undefined> {
    if (!isAircraftId(id)) return undefined;
    await this.seed(tenant);
    const [found] = await this.database.query.select().from(fleetAircraft).where(isThis(id, tenant));
    return found;
  }

  async add(wish: AircraftWish, tenant: string): Promise<Aircraft | AircraftRefusal> {
    await this.seed(tenant);
    return this.database.transaction(async (transaction) => {
      // One addition at a time and tenant, so that the limit holds.
      await transaction.select().from(fleetSeeds).where(eq(fleetSeeds.tenant, tenant)).for('update');
      const [counted] = await transaction
        .select({ aircraft: count() })
        .from(fleetAircraft)
        .where(eq(fleetAircraft.tenant, tenant));
      if ((counted?.aircraft ?? 0) >= MAX_AIRCRAFT) return 'full';
      const [added] = await insertAll(transaction, [wish], tenant);
      return added ?? 'exists';
    });
  }

  /** Undefined when the aircraft is not there, or has another version than the one that is expected, if one is. */
  async change(
    id: string,
    tenant: string,
    change: Partial<Omit<AircraftWish, 'registration'>>,
    expectedVersion?: number,
  ): Promise<Aircraft | undefined> {
    const [changed] = await this.database.query
      .update(fleetAircraft)
      .set({ ...change, version: sql`${fleetAircraft.version} + 1`, updatedAt: sql`now()` })
      .where(isThis(id, tenant, expectedVersion))
      .returning();
    return changed;
  }

  /** With its bookings. False when there is none, or none of the version that is expected. */
  async remove(id: string, tenant: string, expectedVersion?: number): Promise<boolean> {
    if (!isAircraftId(id)) return false;
    await this.seed(tenant);
    return this.database.transaction(async (transaction) => {
      const removed = await transaction
        .delete(fleetAircraft)
        .where(isThis(id, tenant, expectedVersion))
        .returning({ id: fleetAircraft.id });
      if (removed.length === 0) return false;
      await transaction
        .delete(fleetBookings)
        .where(and(eq(fleetBookings.tenant, tenant), eq(fleetBookings.aircraftId, id)));
      return true;
    });
  }

  /** Once per tenant, whoever comes first; a second one waits for the first one's transaction. */
  private async seed(tenant: string): Promise<void> {
    if (this.seeded.has(tenant)) return;
    await this.database.transaction(async (transaction) => {
      const first = await transaction.insert(fleetSeeds).values({ tenant }).onConflictDoNothing().returning();
      if (first.length > 0) await insertAll(transaction, defaultFleet, tenant);
    });
    if (this.seeded.size >= MAX_REMEMBERED_TENANTS) this.seeded.clear();
    this.seeded.add(tenant);
  }
}

function insertAll(
  transaction: Transaction,
  wishes: readonly AircraftWish[],
  tenant: string,
): Promise<Aircraft[]> {
  const rows = wishes.map((wish) => ({ ...wish, tenant, id: aircraftId(tenant, wish.registration) }));
  return transaction.insert(fleetAircraft).values(rows).onConflictDoNothing().returning();
}

function isThis(id: string, tenant: string, version?: number) {
  return and(
    eq(fleetAircraft.tenant, tenant),
    eq(fleetAircraft.id, id),
    version === undefined ? undefined : eq(fleetAircraft.version, version),
  );
}

function conditions({ category, operatorName, homeBase, minSeats, isActive }: FleetFilter) {
  return [
    category === undefined ? undefined : eq(fleetAircraft.category, category),
    operatorName === undefined ? undefined : ilike(fleetAircraft.operatorName, escapeLike(operatorName)),
    homeBase === undefined ? undefined : eq(fleetAircraft.homeBase, homeBase),
    minSeats === undefined ? undefined : lte(sql`${minSeats}::int`, fleetAircraft.seats),
    isActive === undefined ? undefined : eq(fleetAircraft.isActive, isActive),
  ];
}

function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, (sign) => `\\${sign}`);
}
