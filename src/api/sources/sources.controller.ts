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
import { Masked } from '../../platform/auth/masked.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { ofFeeds, sourcePath, SOURCES_PATH, sourceTag, sourceView } from './source-view';
import { ChangeSourceDto, CreateSourceDto, SourceDto, SourceListDto, SourceListQueryDto } from './source.dto';
import { Sources } from './sources.service';

/** Feeds that are imported again and again. */
@ApiTags('sources')
@Controller(SOURCES_PATH.slice(1))
export class SourcesController {
  constructor(private readonly sources: Sources) {}

  /** Adds a source; with a schedule, its first import comes by itself. */
  @Audited('sources.create')
  @Post()
  @Requires('jobs:manage', ofFeeds)
  @HttpCode(201)
  @ApiCreatedResponse({ type: SourceDto })
  @ApiProblems('validation_failed', 'source_name_taken', 'too_many_sources')
  async create(
    @Body() body: CreateSourceDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SourceDto> {
    const source = await this.sources.create(body, tenant);
    noteAuditDetail(request, { id: source.id, name: source.name.slice(0, 200) });
    reply.header('location', sourcePath(source.id)).header('etag', sourceTag(source));
    return sourceView(source);
  }

  /** The sources, the oldest first. */
  @Get()
  @Requires('jobs:read', ofFeeds)
  @Masked('items.*.headers')
  @ApiOkResponse({ type: SourceListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: SourceListQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SourceListDto> {
    const { page, link } = await this.sources.list(query, tenant);
    if (link !== undefined) reply.header('link', link);
    return page;
  }

  /** One source. */
  @Get(':id')
  @Requires('jobs:read', ofFeeds)
  @Masked('headers')
  @ApiOkResponse({ type: SourceDto })
  @ApiProblems('source_not_found')
  async read(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SourceDto> {
    const source = await this.sources.require(id, tenant);
    reply.header('etag', sourceTag(source));
    return sourceView(source);
  }

  /** Changes what is given of a source. */
  @Audited('sources.change')
  @Patch(':id')
  @Requires('jobs:manage', ofFeeds)
  @Masked('headers')
  @ApiHeader({ name: 'If-Match', required: false })
  @ApiOkResponse({ type: SourceDto })
  @ApiProblems(
    'source_not_found',
    'source_changed',
    'source_name_taken',
    'too_many_sources',
    'validation_failed',
  )
  async change(
    @Param('id') id: string,
    @Body() body: ChangeSourceDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SourceDto> {
    const before = await this.sources.require(id, tenant);
    const changed = await this.sources.change(before, body, ifMatch);
    noteAuditDetail(request, changeOf(auditedOf(sourceView(before)), auditedOf(sourceView(changed))));
    reply.header('etag', sourceTag(changed));
    return sourceView(changed);
  }

  /** Forgets a source; its items and past imports stay. */
  @Audited('sources.delete', { reason: 'by setting' })
  @Delete(':id')
  @Requires('jobs:manage', ofFeeds)
  @HttpCode(204)
  @ApiHeader({ name: 'If-Match', required: false })
  @ApiNoContentResponse()
  @ApiProblems('source_not_found', 'source_changed')
  async remove(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    await this.sources.remove(await this.sources.require(id, tenant), ifMatch);
  }
}

// What headers hold is nobody's to read in the audit.
function auditedOf({ headers, links: _links, ...rest }: SourceDto): object {
  return { ...rest, headers: Object.keys(headers ?? {}) };
}
