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
  Res,
} from '@nestjs/common';
import { ApiCreatedResponse, ApiHeader, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Audited } from '../../platform/audit/audited.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { always } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { Database } from '../../platform/database/database.service';
import { encodeCursor, nextLink } from '../../platform/http/cursor';
import { Idempotent } from '../../platform/idempotency/idempotent.decorator';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { ConnectionStore, type BrokerConnection } from '../../workloads/brokerage/connection.store';
import { CONNECTIONS_PATH, connectionTag, connectionView, rowPositionIn } from './connection-view';
import {
  ChangeConnectionDto,
  ConnectionDto,
  ConnectionListDto,
  ConnectionListQueryDto,
  CreateConnectionDto,
} from './connection.dto';
import { Connections } from './connections.service';

/** What a key may do with connections hangs on their queue. */
export const ofBrokerSync = always('broker-sync');

@ApiTags('brokerage')
@Controller(CONNECTIONS_PATH.slice(1))
export class ConnectionsController {
  constructor(
    private readonly connections: Connections,
    private readonly store: ConnectionStore,
    private readonly database: Database,
  ) {}

  /** Connects an account at a broker. Its credentials are sealed, and never shown again. */
  @Audited('connections.create')
  @Post()
  @Requires('jobs:write', ofBrokerSync)
  @HttpCode(201)
  @Idempotent()
  @ApiCreatedResponse({ type: ConnectionDto })
  @ApiProblems('connection_invalid', 'too_many_connections', 'secrets_unavailable')
  async create(
    @Body() body: CreateConnectionDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConnectionDto> {
    const created = await this.connections.create(body, principal);
    reply.header('location', `${CONNECTIONS_PATH}/${created.id}`);
    return shown(created, reply);
  }

  /** The connections, oldest first. */
  @Get()
  @Requires('jobs:read', ofBrokerSync)
  @ApiOkResponse({ type: ConnectionListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: ConnectionListQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConnectionListDto> {
    this.database.assertReady();
    const { limit, cursor, userId } = query;
    const found = await this.store.list({
      tenant,
      limit: limit + 1,
      ...(userId !== undefined && { userId }),
      ...(cursor !== undefined && { after: rowPositionIn(cursor) }),
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next =
      found.length > limit && last !== undefined ? encodeCursor([last.createdAt.getTime(), last.id]) : null;
    if (next !== null) reply.header('link', nextLink(CONNECTIONS_PATH, query, next));
    return { items: items.map(connectionView), next_cursor: next };
  }

  @Get(':id')
  @Requires('jobs:read', ofBrokerSync)
  @ApiOkResponse({ type: ConnectionDto })
  @ApiProblems('connection_not_found')
  async read(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConnectionDto> {
    return shown(await this.connections.require(id, tenant), reply);
  }

  /** Changes a connection; what it has fetched stays. */
  @Audited('connections.change')
  @Patch(':id')
  @Requires('jobs:write', ofBrokerSync)
  @ApiHeader({ name: 'If-Match', required: false })
  @ApiOkResponse({ type: ConnectionDto })
  @ApiProblems('connection_not_found', 'connection_invalid', 'precondition_failed', 'secrets_unavailable')
  async change(
    @Param('id') id: string,
    @Body() body: ChangeConnectionDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConnectionDto> {
    return shown(await this.connections.change(id, tenant, body, ifMatch), reply);
  }

  /** Ends the scheduled syncs of a connection. */
  @Audited('connections.pause')
  @Post(':id/pause')
  @Requires('jobs:write', ofBrokerSync)
  @HttpCode(200)
  @ApiHeader({ name: 'If-Match', required: false })
  @ApiOkResponse({ type: ConnectionDto })
  @ApiProblems('connection_not_found', 'precondition_failed')
  async pause(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConnectionDto> {
    return shown(await this.connections.change(id, tenant, { paused: true }, ifMatch), reply);
  }

  /** Begins them again, with the next moment of the schedule. */
  @Audited('connections.resume')
  @Post(':id/resume')
  @Requires('jobs:write', ofBrokerSync)
  @HttpCode(200)
  @ApiHeader({ name: 'If-Match', required: false })
  @ApiOkResponse({ type: ConnectionDto })
  @ApiProblems('connection_not_found', 'precondition_failed')
  async resume(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConnectionDto> {
    return shown(await this.connections.change(id, tenant, { paused: false }, ifMatch), reply);
  }

  /** Forgets a connection with everything that it has fetched. */
  @Audited('connections.delete', { reason: 'always' })
  @Delete(':id')
  @Requires('jobs:manage', ofBrokerSync)
  @HttpCode(204)
  @ApiHeader({ name: 'If-Match', required: false })
  @ApiNoContentResponse()
  @ApiProblems('connection_not_found', 'precondition_failed')
  async remove(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    await this.connections.remove(id, tenant, ifMatch);
  }
}

function shown(connection: BrokerConnection, reply: FastifyReply): ConnectionDto {
  reply.header('etag', connectionTag(connection));
  return connectionView(connection);
}
