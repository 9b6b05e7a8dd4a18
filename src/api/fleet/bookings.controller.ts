import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { isUUID } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { Audited } from '../../platform/audit/audited.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { encodeCursor, nextLink, timePlaceIn } from '../../platform/http/cursor';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { FleetBookings } from '../../workloads/agents/fleet-bookings.store';
import { BookingDto, BookingListDto, CreateBookingDto } from './booking.dto';
import { bookingsPath, bookingView, FLEET_PATH, ofFlightSearch } from './fleet-view';
import { Fleet } from './fleet.service';

/** When aircraft are taken, so that no search offers them. */
@ApiTags('fleet')
@Controller(`${FLEET_PATH.slice(1)}/:id/bookings`)
export class BookingsController {
  constructor(
    private readonly fleet: Fleet,
    private readonly bookings: FleetBookings,
  ) {}

  /** The bookings of an aircraft by their beginning. */
  @Get()
  @Requires('jobs:read', ofFlightSearch)
  @ApiOkResponse({ type: BookingListDto })
  @ApiProblems('aircraft_not_found', 'query_invalid', 'cursor_invalid')
  async list(
    @Param('id') id: string,
    @Query() query: PageQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BookingListDto> {
    await this.fleet.require(id, tenant);
    const { limit, cursor } = query;
    const found = await this.bookings.list(id, tenant, {
      limit: limit + 1,
      ...(cursor !== undefined && { after: positionIn(cursor) }),
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next =
      found.length > limit && last !== undefined ? encodeCursor([last.startsAt.getTime(), last.id]) : null;
    if (next !== null) reply.header('link', nextLink(bookingsPath(id), query, next));
    return { items: items.map(bookingView), next_cursor: next };
  }

  /** Takes an aircraft for a while: booked, held for somebody, or in maintenance. */
  @Audited('fleet.book')
  @Post()
  @Requires('jobs:manage', ofFlightSearch)
  @HttpCode(201)
  @ApiCreatedResponse({ type: BookingDto })
  @ApiProblems('aircraft_not_found', 'booking_overlaps', 'bookings_full')
  async book(
    @Param('id') id: string,
    @Body() { kind, startsAt, endsAt, reference }: CreateBookingDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BookingDto> {
    await this.fleet.require(id, tenant);
    const wish = { kind, startsAt: new Date(startsAt), endsAt: new Date(endsAt), reference: reference ?? '' };
    const booked = await this.bookings.book(wish, id, tenant);
    if (booked === 'unknown') throw problem('aircraft_not_found');
    if (booked === 'taken') throw problem('booking_overlaps');
    if (booked === 'full') throw problem('bookings_full');
    reply.header('location', `${bookingsPath(id)}/${booked.id}`);
    return bookingView(booked);
  }

  /** Gives the aircraft free again. */
  @Audited('fleet.release')
  @Delete(':bookingId')
  @Requires('jobs:manage', ofFlightSearch)
  @HttpCode(204)
  @ApiNoContentResponse()
  @ApiProblems('aircraft_not_found', 'booking_not_found')
  async release(
    @Param('id') id: string,
    @Param('bookingId') bookingId: string,
    @CurrentPrincipal() { tenant }: Principal,
  ): Promise<void> {
    await this.fleet.require(id, tenant);
    if (!(await this.bookings.release(bookingId, id, tenant))) throw problem('booking_not_found');
  }
}

function positionIn(cursor: string): { startsAt: Date; id: string } {
  const { at, id } = timePlaceIn(cursor, isUUID);
  return { startsAt: at, id };
}
