import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Audited, NotAudited } from '../../platform/audit/audited.decorator';
import { Masked } from '../../platform/auth/masked.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { tagMatches } from '../../platform/http/entity-tag';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { Idempotent } from '../../platform/idempotency/idempotent.decorator';
import { CallerLimits } from '../../platform/limits/caller-limits.service';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import {
  importPath,
  importView,
  isImportOver,
  ofFeeds,
  POLL_SECONDS,
  startedView,
  tagOf,
} from './import-view';
import {
  ImportDto,
  ImportItemListDto,
  ImportItemsQueryDto,
  ImportListDto,
  ImportSourceListDto,
  ImportSourcesQueryDto,
  StartedImportDto,
  StartImportDto,
} from './import.dto';
import { ImportStarts } from './import-starts.service';
import { Imports } from './imports.service';

@ApiTags('imports')
@Controller(['api/imports', 'imports'])
export class ImportsController {
  constructor(
    private readonly imports: Imports,
    private readonly starts: ImportStarts,
    private readonly limits: CallerLimits,
  ) {}

  /** Starts an import of stored sources, of an address, or of items; with no body, of every source that is enabled. */
  @NotAudited('the import itself says who asked for it')
  @Post('start')
  @Requires('jobs:write', ofFeeds)
  @HttpCode(202)
  @Idempotent()
  @ApiBody({ type: StartImportDto, required: false })
  @ApiResponse({
    status: 202,
    type: StartedImportDto,
    description: 'Accepted; `Location` says where to ask.',
  })
  @ApiProblems('validation_failed', 'source_not_found', 'import_running', 'rate_limited')
  async start(
    @Body() body: StartImportDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StartedImportDto> {
    const started = await this.starts.start(body, principal, this.limits.jobQuota(principal, reply));
    reply.header('location', importPath(started.id)).header('retry-after', POLL_SECONDS);
    return startedView(started);
  }

  /** The imports, newest first. */
  @Get()
  @Requires('jobs:read', ofFeeds)
  @Masked('items.*.sources.*.error', 'items.*.sources.*.broken')
  @ApiOkResponse({ type: ImportListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: PageQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ImportListDto> {
    const { page, link } = await this.imports.list(query, tenant);
    if (link !== undefined) reply.header('link', link);
    return page;
  }

  /** One import, with the numbers of its first sources and of all together. */
  @Get(':id')
  @Requires('jobs:read', ofFeeds)
  @Masked('sources.*.error', 'sources.*.broken')
  @ApiHeader({ name: 'If-None-Match', required: false })
  @ApiOkResponse({ type: ImportDto })
  @ApiResponse({ status: 304, description: 'Nothing has changed since that entity tag.' })
  @ApiProblems('import_not_found')
  async read(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ImportDto | undefined> {
    const found = await this.imports.require(id, tenant);
    reply.header('etag', tagOf(found)).header('cache-control', 'private, no-cache');
    if (!isImportOver(found)) reply.header('retry-after', POLL_SECONDS);
    if (ifNoneMatch === undefined || !tagMatches(ifNoneMatch, tagOf(found))) return importView(found);
    reply.status(304);
    return undefined;
  }

  /** The sources of an import, by name, with the numbers of each. */
  @Get(':id/sources')
  @Requires('jobs:read', ofFeeds)
  @Masked('items.*.error', 'items.*.broken')
  @ApiOkResponse({ type: ImportSourceListDto })
  @ApiProblems('import_not_found', 'query_invalid', 'cursor_invalid')
  async sources(
    @Param('id') id: string,
    @Query() query: ImportSourcesQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ImportSourceListDto> {
    const { page, link } = await this.imports.sourcesOf(id, query, tenant);
    if (link !== undefined) reply.header('link', link);
    return page;
  }

  /** What became of each item that was enqueued; with `outcome=rejected`, of those that could not be taken. */
  @Get(':id/items')
  @Requires('jobs:read', ofFeeds)
  @Masked('items.*.error')
  @ApiOkResponse({ type: ImportItemListDto })
  @ApiProblems('import_not_found', 'query_invalid', 'cursor_invalid')
  async items(
    @Param('id') id: string,
    @Query() query: ImportItemsQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ImportItemListDto> {
    const { page, link } = await this.imports.items(id, query, tenant);
    if (link !== undefined) reply.header('link', link);
    return page;
  }

  /** Stops what has not ended; what is stored already stays. */
  @Audited('imports.cancel', { reason: 'by setting' })
  @Post(':id/cancel')
  @Requires('jobs:manage', ofFeeds)
  @HttpCode(202)
  @ApiResponse({ status: 202, type: ImportDto, description: 'Cancelled.' })
  @ApiProblems('import_not_found', 'import_over')
  async cancel(@Param('id') id: string, @CurrentPrincipal() { tenant }: Principal): Promise<ImportDto> {
    return importView(await this.imports.cancel(id, tenant));
  }
}
