import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
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
import { keyPath, keyTag, keyView } from './key-view';
import {
  ChangeKeyDto,
  CreatedKeyDto,
  CreateKeyDto,
  KeyDto,
  KeyListDto,
  KeyListQueryDto,
  RotateKeyDto,
} from './key.dto';
import { Keys } from './keys.service';

@ApiTags('keys')
@Requires('keys:manage')
@Controller('api/keys')
export class KeysController {
  constructor(private readonly keys: Keys) {}

  /** Makes a key; the answer is the only place that ever shows it. */
  @Audited('keys.create')
  @Post()
  @HttpCode(201)
  @Header('cache-control', 'no-store')
  @ApiCreatedResponse({ type: CreatedKeyDto })
  async create(
    @Body() body: CreateKeyDto,
    @CurrentPrincipal() admin: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CreatedKeyDto> {
    const created = await this.keys.create(body, admin);
    noteAuditDetail(request, { kid: created.kid, role: created.role, tenant: created.tenant });
    reply.header('location', keyPath(created.kid));
    return created;
  }

  /** The keys, newest first. */
  @Get()
  @ApiOkResponse({ type: KeyListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: KeyListQueryDto,
    @CurrentPrincipal() admin: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<KeyListDto> {
    const { page, link } = await this.keys.list(query, admin);
    if (link !== undefined) reply.header('link', link);
    return page;
  }

  /** One key, by its public half. */
  @Get(':kid')
  @ApiOkResponse({ type: KeyDto })
  @ApiProblems('key_not_found')
  async read(
    @Param('kid') kid: string,
    @CurrentPrincipal() admin: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<KeyDto> {
    const key = await this.keys.require(kid, admin);
    reply.header('etag', keyTag(key));
    return keyView(key);
  }

  /** Changes what the key may do; every process knows within 30 s. */
  @Audited('keys.change')
  @Patch(':kid')
  @ApiHeader({ name: 'If-Match', required: false })
  @ApiOkResponse({ type: KeyDto })
  @ApiProblems('key_not_found', 'conflict', 'precondition_failed')
  async change(
    @Param('kid') kid: string,
    @Body() body: ChangeKeyDto,
    @CurrentPrincipal() admin: Principal,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<KeyDto> {
    const before = keyView(await this.keys.require(kid, admin));
    const changed = await this.keys.change(kid, admin, body, ifMatch);
    noteAuditDetail(request, changeOf(before, keyView(changed)));
    reply.header('etag', keyTag(changed));
    return keyView(changed);
  }

  /** Gives the key another secret; the one it has goes on for a while beside it. */
  @Audited('keys.rotate')
  @Post(':kid/rotate')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOkResponse({ type: CreatedKeyDto })
  @ApiProblems('key_not_found', 'conflict')
  rotate(
    @Param('kid') kid: string,
    @Body() body: RotateKeyDto,
    @CurrentPrincipal() admin: Principal,
  ): Promise<CreatedKeyDto> {
    return this.keys.rotate(kid, admin, body.graceSeconds);
  }

  /** Ends the key for good, here at once and everywhere within 30 s. */
  @Audited('keys.revoke', { reason: 'always' })
  @Post(':kid/revoke')
  @HttpCode(200)
  @ApiOkResponse({ type: KeyDto })
  @ApiProblems('key_not_found', 'conflict')
  async revoke(@Param('kid') kid: string, @CurrentPrincipal() admin: Principal): Promise<KeyDto> {
    return keyView(await this.keys.revoke(kid, admin));
  }

  /** Ends the key and forgets that it was there. */
  @Audited('keys.delete', { reason: 'always' })
  @Delete(':kid')
  @HttpCode(204)
  @ApiNoContentResponse()
  @ApiProblems('key_not_found')
  async remove(@Param('kid') kid: string, @CurrentPrincipal() admin: Principal): Promise<void> {
    await this.keys.remove(kid, admin);
  }
}
