import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { ApiCreatedResponse, ApiHeader, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { changeOf, noteAuditDetail } from '../../platform/audit/audit-detail';
import { Audited } from '../../platform/audit/audited.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { AircraftDto, ChangeAircraftDto, CreateAircraftDto, FleetDto, FleetQueryDto } from './aircraft.dto';
import { aircraftPath, aircraftTag, aircraftView, FLEET_PATH, ofFlightSearch } from './fleet-view';
import { Fleet } from './fleet.service';

@ApiTags('fleet')
@Controller(FLEET_PATH.slice(1))
export class FleetController {
  constructor(private readonly fleet: Fleet) {}

  /** The aircraft of the tenant. Whoever asks first finds samples, to be changed or removed. */
  @Get()
  @Requires('jobs:read', ofFlightSearch)
  @ApiOkResponse({ type: FleetDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: FleetQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FleetDto> {
    const { page, link } = await this.fleet.list(query, tenant);
    if (link !== undefined) reply.header('link', link);
    return page;
  }

  /** Adds an aircraft; the next search offers it. */
  @Audited('fleet.add')
  @Post()
  @Requires('jobs:manage', ofFlightSearch)
  @HttpCode(201)
  @ApiCreatedResponse({ type: AircraftDto })
  @ApiProblems('aircraft_exists', 'fleet_full')
  async add(
    @Body() body: CreateAircraftDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AircraftDto> {
    const added = await this.fleet.add(body, tenant);
    noteAuditDetail(request, { id: added.id, registration: added.registration });
    reply.header('location', aircraftPath(added.id)).header('etag', aircraftTag(added));
    return aircraftView(added);
  }

  @Get(':id')
  @Requires('jobs:read', ofFlightSearch)
  @ApiOkResponse({ type: AircraftDto })
  @ApiProblems('aircraft_not_found')
  async read(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AircraftDto> {
    const aircraft = await this.fleet.require(id, tenant);
    reply.header('etag', aircraftTag(aircraft));
    return aircraftView(aircraft);
  }

  /** Changes what is given; quotes that were made before stay as they are. */
  @Audited('fleet.change')
  @Patch(':id')
  @Requires('jobs:manage', ofFlightSearch)
  @ApiHeader({ name: 'If-Match', required: false })
  @ApiOkResponse({ type: AircraftDto })
  @ApiProblems('aircraft_not_found', 'precondition_failed')
  async change(
    @Param('id') id: string,
    @Body() body: ChangeAircraftDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AircraftDto> {
    const { before, after } = await this.fleet.change(id, body, tenant, ifMatch);
    noteAuditDetail(request, changeOf(aircraftView(before), aircraftView(after)));
    reply.header('etag', aircraftTag(after));
    return aircraftView(after);
  }

  /** Takes an aircraft out of the fleet, with its bookings. */
  @Audited('fleet.remove', { reason: 'always' })
  @Delete(':id')
  @Requires('jobs:manage', ofFlightSearch)
  @HttpCode(204)
  @ApiHeader({ name: 'If-Match', required: false })
  @ApiNoContentResponse()
  @ApiProblems('aircraft_not_found', 'precondition_failed')
  async remove(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    await this.fleet.remove(id, tenant, ifMatch);
  }
}
