import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.service';
import { decodeCursor, encodeCursor, nextLink } from '../../platform/http/cursor';
import { problem } from '../../platform/problems/problem-catalogue';
import type { Aircraft } from '../../workloads/agents/agents.tables';
import { FleetStore, isAircraftId } from '../../workloads/agents/fleet.store';
import { HomeBases } from '../../workloads/agents/home-bases';
import { tagMatches } from '../jobs/entity-tag';
import type { ChangeAircraftDto, CreateAircraftDto, FleetDto, FleetQueryDto } from './aircraft.dto';
import { aircraftTag, aircraftView, FLEET_PATH, windowsOf } from './fleet-view';

/** What callers may do to the fleet of their tenant. */
@Injectable()
export class Fleet {
  constructor(
    private readonly store: FleetStore,
    private readonly homeBases: HomeBases,
    private readonly database: Database,
  ) {}

  async list(query: FleetQueryDto, tenant: string): Promise<{ page: FleetDto; link?: string }> {
    this.database.assertReady();
    const { limit, cursor, homeBase, ...filter } = query;
    const after = cursor === undefined ? undefined : positionIn(cursor);
    const found = await this.store.list(tenant, {
      limit: limit + 1,
      ...(after !== undefined && { after }),
      // A code that no airport has is nobody's home.
      filter: {
        ...filter,
        ...(homeBase !== undefined && { homeBase: this.homeBases.icaoOf(homeBase) ?? '' }),
      },
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next = found.length > limit && last !== undefined ? encodeCursor([last.id]) : null;
    return {
      page: { items: items.map(aircraftView), next_cursor: next },
      ...(next !== null && { link: nextLink(FLEET_PATH, query, next) }),
    };
  }

  async add(wish: CreateAircraftDto, tenant: string): Promise<Aircraft> {
    this.database.assertReady();
    const { feePercent = 100, minimumHoursPerDay = 0, positioning = 'return', isActive = true } = wish;
    const { homeBase, availability = [], ...rest } = wish;
    const added = await this.store.add(
      {
        ...rest,
        feePercent,
        minimumHoursPerDay,
        positioning,
        isActive,
        homeBase: this.homeBase(homeBase),
        availability: windowsOf(availability),
      },
      tenant,
    );
    if (added === 'exists') throw problem('aircraft_exists');
    if (added === 'full') throw problem('fleet_full');
    return added;
  }

  async require(id: string, tenant: string): Promise<Aircraft> {
    this.database.assertReady();
    const found = await this.store.find(id, tenant);
    if (found === undefined) throw problem('aircraft_not_found');
    return found;
  }

  /** As it was and as it is; with `ifMatch` only while it is as the caller saw it. */
  async change(
    id: string,
    { homeBase, availability, ...rest }: ChangeAircraftDto,
    tenant: string,
    ifMatch: string | undefined,
  ): Promise<{ before: Aircraft; after: Aircraft }> {
    const before = await this.require(id, tenant);
    this.check(before, ifMatch);
    const change = {
      ...rest,
      ...(homeBase !== undefined && { homeBase: this.homeBase(homeBase) }),
      ...(availability !== undefined && { availability: windowsOf(availability) }),
    };
    const after = await this.store.change(
      id,
      tenant,
      change,
      ifMatch === undefined ? undefined : before.version,
    );
    if (after === undefined)
      throw problem(ifMatch === undefined ? 'aircraft_not_found' : 'precondition_failed');
    return { before, after };
  }

  async remove(id: string, tenant: string, ifMatch: string | undefined): Promise<void> {
    const found = await this.require(id, tenant);
    this.check(found, ifMatch);
    const isRemoved = await this.store.remove(id, tenant, ifMatch === undefined ? undefined : found.version);
    if (!isRemoved) throw problem(ifMatch === undefined ? 'aircraft_not_found' : 'precondition_failed');
  }

  private check(aircraft: Aircraft, ifMatch: string | undefined): void {
    if (ifMatch !== undefined && !tagMatches(ifMatch, aircraftTag(aircraft)))
      throw problem('precondition_failed');
  }

  private homeBase(code: string): string {
    const icao = this.homeBases.icaoOf(code);
    if (icao !== undefined) return icao;
    const guess = this.homeBases.suggestionFor(code);
    const advice = guess === undefined ? 'such as KTEB' : `perhaps ${guess}`;
    const detail = `homeBase must be the ICAO or IATA code of an airport, ${advice}`;
    throw problem('validation_failed', {
      detail: '1 field is invalid.',
      errors: [{ pointer: '#/homeBase', detail, code: 'airport_unknown' }],
    });
  }
}

function positionIn(cursor: string): string {
  const [id] = decodeCursor(cursor, 'string');
  if (!isAircraftId(id)) throw problem('cursor_invalid');
  return id;
}
