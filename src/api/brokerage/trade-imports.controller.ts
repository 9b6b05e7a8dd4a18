import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { NotAudited } from '../../platform/audit/audited.decorator';
import { Masked } from '../../platform/auth/masked.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { always } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { Database } from '../../platform/database/database.service';
import { Files } from '../../platform/files/files.service';
import { decodeCursor, encodeCursor, nextLink } from '../../platform/http/cursor';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { Idempotent } from '../../platform/idempotency/idempotent.decorator';
import { CallerLimits } from '../../platform/limits/caller-limits.service';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import {
  ImportStore,
  type TradeImport,
  type TradeImportFinding,
} from '../../workloads/brokerage/import.store';
import { rowPositionIn } from './connection-view';
import {
  CreateImportDto,
  TradeImportDto,
  ImportFindingDto,
  ImportFindingListDto,
  TradeImportListDto,
  ImportListQueryDto,
  type ImportFindingCountDto,
} from './trade-import.dto';

const IMPORTS_PATH = '/api/brokerage/imports';
const POLL_SECONDS = '2';
const LARGEST_ORDINAL = 2_147_483_647;
const ofImport = always('import');

@ApiTags('brokerage')
@Controller(IMPORTS_PATH.slice(1))
export class TradeImportsController {
  constructor(
    private readonly imports: ImportStore,
    private readonly files: Files,
    private readonly database: Database,
    private readonly limits: CallerLimits,
  ) {}

  /** Takes the trades of an uploaded file over; those that are there already are left alone. */
  @NotAudited('the job itself says who asked for it')
  @Post()
  @Requires('jobs:write', ofImport)
  @HttpCode(202)
  @Idempotent()
  @ApiResponse({ status: 202, type: TradeImportDto })
  @ApiProblems('file_not_found', 'rate_limited')
  async create(
    @Body() body: CreateImportDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TradeImportDto> {
    const { tenant, id: caller } = principal;
    if ((await this.files.find(body.fileId, tenant)) === undefined) throw problem('file_not_found');
    await this.limits.jobQuota(principal, reply)(1);
    const payload = Object.fromEntries(Object.entries(body).filter(([, value]) => value != null));
    const created = importView(await this.imports.create(payload as CreateImportDto, tenant, caller));
    reply.header('location', created.links['self']).header('retry-after', POLL_SECONDS);
    return created;
  }

  /** The imports, newest first. */
  @Get()
  @Requires('jobs:read', ofImport)
  @ApiOkResponse({ type: TradeImportListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: ImportListQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TradeImportListDto> {
    this.database.assertReady();
    const { limit, cursor, userId } = query;
    const found = await this.imports.list({
      tenant,
      limit: limit + 1,
      ...(userId !== undefined && { userId }),
      ...(cursor !== undefined && { before: rowPositionIn(cursor) }),
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next =
      found.length > limit && last !== undefined ? encodeCursor([last.createdAt.getTime(), last.id]) : null;
    if (next !== null) reply.header('link', nextLink(IMPORTS_PATH, query, next));
    return { items: items.map(importView), next_cursor: next };
  }

  @Get(':id')
  @Requires('jobs:read', ofImport)
  @ApiOkResponse({ type: TradeImportDto })
  @ApiProblems('import_not_found')
  async read(@Param('id') id: string, @CurrentPrincipal() { tenant }: Principal): Promise<TradeImportDto> {
    return importView(await this.require(id, tenant));
  }

  /** The rows that were refused, and what is odd, each with its reason, in the order of the file. */
  @Get(':id/findings')
  @Requires('jobs:read', ofImport)
  @Masked('items.*.value')
  @ApiOkResponse({ type: ImportFindingListDto })
  @ApiProblems('import_not_found', 'query_invalid', 'cursor_invalid')
  async findings(
    @Param('id') id: string,
    @Query() query: PageQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ImportFindingListDto> {
    const { limit, cursor } = query;
    const after = cursor === undefined ? -1 : ordinalIn(cursor);
    const { id: importId } = await this.require(id, tenant);
    const found = await this.imports.findings(importId, limit + 1, after);
    const items = found.slice(0, limit);
    const next = found.length > limit ? encodeCursor([items.at(-1)!.ordinal]) : null;
    if (next !== null) reply.header('link', nextLink(`${IMPORTS_PATH}/${importId}/findings`, query, next));
    return { items: items.map(findingView), next_cursor: next };
  }

  private async require(id: string, tenant: string): Promise<TradeImport> {
    this.database.assertReady();
    const found = await this.imports.find(id, tenant);
    if (found === undefined) throw problem('import_not_found');
    return found;
  }
}

/** PostgreSQL refuses to compare an integer with a larger number. */
function ordinalIn(cursor: string): number {
  const [ordinal] = decodeCursor(cursor, 'number');
  if (!Number.isInteger(ordinal) || Math.abs(ordinal) > LARGEST_ORDINAL) throw problem('cursor_invalid');
  return ordinal;
}

function importView(row: TradeImport): TradeImportDto {
  const { id, userId, fileId, status, jobId, findingsStored, errorMessage } = row;
  const self = `${IMPORTS_PATH}/${id}`;
  return {
    id,
    userId,
    fileId,
    status,
    jobId,
    rows: {
      read: row.rowsRead,
      inserted: row.rowsInserted,
      duplicates: row.rowsDuplicate,
      refused: row.rowsRefused,
    },
    columns: row.columns,
    dialect: row.dialect,
    findings: [...(row.summary ?? [])] as ImportFindingCountDto[],
    findingsStored,
    errorMessage,
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
    links: { self, findings: `${self}/findings`, job: `/api/queue/jobs/${jobId}` },
  };
}

function findingView(finding: TradeImportFinding): ImportFindingDto {
  const { rowNumber, lineNumber, columnName, rule, severity, message, value } = finding;
  return { row: rowNumber, line: lineNumber, column: columnName, rule, severity, message, value };
}
