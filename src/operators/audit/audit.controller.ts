import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { AuditLog, type AuditFilter } from '../../platform/audit/audit-log.service';
import type { AuditRow } from '../../platform/audit/audit.tables';
import { HOME_TENANT } from '../../platform/auth/permissions';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { decodeCursor, encodeCursor, nextLink } from '../../platform/http/cursor';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { AuditListDto, AuditQuery, type AuditEntryDto } from './audit.dto';

const PATH = '/api/queue/audit';
const LINES_PER_READ = 1_000;
const MAX_LINES = 1_000_000;

@ApiTags('audit')
@Controller(['api/queue/audit', 'queue/audit'])
export class AuditController {
  constructor(private readonly audit: AuditLog) {}

  /**
   * What people did, newest first, a page at a time. With `Accept: application/x-ndjson` all of it, oldest first, a
   * line each; a million at most. The home tenant sees what was done everywhere, others what was done in theirs.
   */
  @Get()
  @Requires('audit:read')
  @ApiHeader({ name: 'Accept', required: false })
  @ApiProduces('application/json', 'application/x-ndjson')
  @ApiOkResponse({ type: AuditListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: AuditQuery,
    @CurrentPrincipal() { tenant }: Principal,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const filter = filterOf(query, tenant);
    if (/\bapplication\/x-ndjson\b/.test(accept ?? '')) {
      // Before the first byte is out an error can still be answered.
      const first = await this.audit.list(filter, { limit: LINES_PER_READ, after: 0 });
      void reply.type('application/x-ndjson').send(Readable.from(this.lines(filter, first)));
      return;
    }
    const { limit, cursor } = query;
    const before = cursor === undefined ? undefined : placeIn(cursor);
    const found = await this.audit.list(filter, {
      limit: limit + 1,
      ...(before !== undefined && { before }),
    });
    const items = found.slice(0, limit);
    const next = found.length > limit ? encodeCursor([items.at(-1)!.seq]) : null;
    if (next !== null) void reply.header('link', nextLink(PATH, query, next));
    void reply.send({ items: items.map(entryView), next_cursor: next } satisfies AuditListDto);
  }

  private async *lines(filter: AuditFilter, first: readonly AuditRow[]): AsyncGenerator<string> {
    let sent = 0;
    for (let rows = first; rows.length > 0 && sent < MAX_LINES; sent += rows.length) {
      yield rows.map((row) => `${JSON.stringify(entryView(row))}\n`).join('');
      if (rows.length < LINES_PER_READ) return;
      rows = await this.audit.list(filter, { limit: LINES_PER_READ, after: rows.at(-1)!.seq });
    }
  }
}

function filterOf({ actor, action, target, outcome, from, to }: AuditQuery, tenant: string): AuditFilter {
  return {
    ...(tenant !== HOME_TENANT && { tenant }),
    ...(actor !== undefined && { actor }),
    ...(action !== undefined && { action }),
    ...(target !== undefined && { target }),
    ...(outcome !== undefined && { outcome }),
    ...(from !== undefined && { from: new Date(from) }),
    ...(to !== undefined && { to: new Date(to) }),
  };
}

function entryView({ spoolId: _spoolId, at, detail, ...rest }: AuditRow): AuditEntryDto {
  return { ...rest, at: at.toISOString(), detail: detailOf(detail) };
}

/** A detail that was cut off is no JSON any more. */
function detailOf(text: string | null): object | null {
  if (text === null) return null;
  try {
    return JSON.parse(text) as object;
  } catch {
    return { text };
  }
}

function placeIn(cursor: string): number {
  const [seq] = decodeCursor(cursor, 'number');
  if (!Number.isSafeInteger(seq) || seq < 0) throw problem('cursor_invalid');
  return seq;
}
