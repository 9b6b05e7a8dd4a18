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
import { decodeCursor, encodeCursor, nextLink } from '../../platform/http/cursor';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import type { Client } from '../../workloads/agents/charter.tables';
import { Clients } from '../../workloads/agents/clients.store';
import { tagMatches } from '../../platform/http/entity-tag';
import { ChangeClientDto, ClientDto, ClientListDto, ClientListQueryDto, NewClientDto } from './client.dto';

const PATH = '/api/clients';
const ofClients = always('client-data');
const nameable = /^client_[\w-]{22}$/;

/** Who charters, and what they like. Everything about a person is shown only where payloads are. */
@ApiTags('clients')
@Controller(PATH.slice(1))
export class ClientsController {
  constructor(
    private readonly clients: Clients,
    private readonly database: Database,
  ) {}

  /** Takes a client in (201), or adds to what is known of whoever has this address (200). */
  @Audited('clients.merge')
  @Post()
  @Requires(['jobs:write', 'payloads:read'], ofClients)
  @ApiCreatedResponse({ type: ClientDto })
  @ApiOkResponse({ type: ClientDto, description: 'Somebody with this address was known already.' })
  async merge(
    @Body() { email, ...wish }: NewClientDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ClientDto> {
    this.database.assertReady();
    const { client, isNew } = await this.clients.merge(email, wishOf(wish), tenant);
    reply
      .status(isNew ? 201 : 200)
      .header('location', pathOf(client))
      .header('etag', tagOf(client));
    return view(client);
  }

  /** By address. */
  @Get()
  @Requires(['jobs:read', 'payloads:read'], ofClients)
  @ApiOkResponse({ type: ClientListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: ClientListQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ClientListDto> {
    this.database.assertReady();
    const { limit, cursor, email } = query;
    const after = cursor === undefined ? undefined : decodeCursor(cursor, 'string')[0].replaceAll('\0', '');
    const found = await this.clients.list({
      tenant,
      limit: limit + 1,
      ...(after !== undefined && { after }),
      ...(email != null && { email }),
    });
    const items = found.slice(0, limit);
    const next = found.length > limit ? encodeCursor([items.at(-1)!.email]) : null;
    if (next !== null) reply.header('link', nextLink(PATH, query, next));
    return { items: items.map(view), next_cursor: next };
  }

  @Get(':id')
  @Requires(['jobs:read', 'payloads:read'], ofClients)
  @ApiOkResponse({ type: ClientDto })
  @ApiProblems('client_not_found')
  async read(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ClientDto> {
    const client = await this.require(id, tenant);
    reply.header('etag', tagOf(client)).header('cache-control', 'private, no-cache');
    return view(client);
  }

  /** Sets what is named; null forgets it, and preferences are replaced as a whole. */
  @Audited('clients.change')
  @Patch(':id')
  @Requires(['jobs:write', 'payloads:read'], ofClients)
  @ApiHeader({ name: 'If-Match', required: false })
  @ApiOkResponse({ type: ClientDto })
  @ApiProblems('client_not_found', 'precondition_failed')
  async change(
    @Param('id') id: string,
    @Body() wish: ChangeClientDto,
    @Headers('if-match') ifMatch: string | undefined,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ClientDto> {
    const client = await this.require(id, tenant);
    if (ifMatch !== undefined && !tagMatches(ifMatch, tagOf(client))) throw problem('precondition_failed');
    const changed = await this.clients.change(id, wishOf(wish), client.version, tenant);
    if (changed === undefined) throw problem('precondition_failed');
    reply.header('etag', tagOf(changed));
    return view(changed);
  }

  /** Forgets a client; requests and proposals keep the address they were made for. */
  @Audited('clients.delete', { reason: 'by setting' })
  @Delete(':id')
  @Requires(['jobs:manage', 'payloads:read'], ofClients)
  @HttpCode(204)
  @ApiNoContentResponse()
  @ApiProblems('client_not_found')
  async remove(@Param('id') id: string, @CurrentPrincipal() { tenant }: Principal): Promise<void> {
    this.database.assertReady();
    if (!nameable.test(id) || !(await this.clients.remove(id, tenant))) throw problem('client_not_found');
  }

  private async require(id: string, tenant: string): Promise<Client> {
    this.database.assertReady();
    const client = nameable.test(id) ? await this.clients.find(id, tenant) : undefined;
    if (client === undefined) throw problem('client_not_found');
    return client;
  }
}

/** What was not named is no wish; class-transformer names every field. */
function wishOf(wish: ChangeClientDto) {
  const named = Object.entries(wish).filter(([, value]) => value !== undefined);
  const { preferences, ...plain } = Object.fromEntries(named) as ChangeClientDto;
  return { ...plain, ...(preferences != null && { preferences: plainCopy(preferences) }) };
}

function plainCopy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value, (_key, one: unknown) => (one === null ? undefined : one))) as T;
}

function pathOf({ id }: Client): string {
  return `${PATH}/${id}`;
}

function tagOf({ version }: Client): string {
  return `W/"${version}"`;
}

function view(client: Client): ClientDto {
  const { id, email, name, phone, company, preferences, requestCount } = client;
  return {
    id,
    email,
    name,
    phone,
    company,
    preferences,
    requestCount,
    lastRequestAt: client.lastRequestAt?.toISOString() ?? null,
    createdAt: client.createdAt.toISOString(),
    updatedAt: client.updatedAt.toISOString(),
    links: { self: pathOf(client) },
  };
}
