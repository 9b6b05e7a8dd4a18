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
import { Masked } from '../../platform/auth/masked.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { Database } from '../../platform/database/database.service';
import { encodeCursor, nextLink } from '../../platform/http/cursor';
import { Idempotent } from '../../platform/idempotency/idempotent.decorator';
import { CallerLimits } from '../../platform/limits/caller-limits.service';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { NoteSearch, NoteSearchUnavailableError } from '../../workloads/brokerage/note-search.service';
import { MAX_NOTES, NoteStore, type TradeNote } from '../../workloads/brokerage/note.store';
import { tagMatches } from '../../platform/http/entity-tag';
import { rowPositionIn } from './connection-view';
import {
  ChangeNoteDto,
  CreateNoteDto,
  FoundNoteListDto,
  NoteDto,
  NoteListDto,
  NoteListQueryDto,
  NoteSearchQueryDto,
} from './note.dto';
import { ofAi } from './reviews.controller';

const NOTES_PATH = '/api/brokerage/notes';
const secretMembers = ['title', 'body'] as const;
const secretMembersOfItems = secretMembers.map((name) => `items.*.${name}`);
// A model that makes the vectors may take its time, a caller has less.
const SEARCH_TIMEOUT_MS = 10_000;

@ApiTags('brokerage')
@Controller(NOTES_PATH.slice(1))
export class NotesController {
  constructor(
    private readonly notes: NoteStore,
    private readonly found: NoteSearch,
    private readonly database: Database,
    private readonly limits: CallerLimits,
  ) {}

  /** Keeps a note; a job makes the vector by which it is found. */
  @Audited('notes.create')
  @Post()
  @Requires('jobs:write', ofAi)
  @HttpCode(201)
  @Idempotent()
  @Masked(...secretMembers)
  @ApiCreatedResponse({ type: NoteDto })
  @ApiProblems('too_many_notes', 'rate_limited')
  async create(
    @Body() { userId, title, body }: CreateNoteDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NoteDto> {
    this.database.assertReady();
    await this.limits.jobQuota(principal, reply)(1);
    const { tenant, id: caller } = principal;
    const created = await this.notes.create({ tenant, userId, title, body }, caller);
    if (created === undefined) {
      throw problem('too_many_notes', { detail: `A user may have ${MAX_NOTES} notes.` });
    }
    reply.header('location', `${NOTES_PATH}/${created.id}`);
    return shown(created, reply);
  }

  /** The notes of a user, newest first. */
  @Get()
  @Requires('jobs:read', ofAi)
  @Masked(...secretMembersOfItems)
  @ApiOkResponse({ type: NoteListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: NoteListQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NoteListDto> {
    this.database.assertReady();
    const { limit, cursor, userId } = query;
    const found = await this.notes.list({
      tenant,
      userId,
      limit: limit + 1,
      ...(cursor !== undefined && { before: rowPositionIn(cursor) }),
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next =
      found.length > limit && last !== undefined ? encodeCursor([last.createdAt.getTime(), last.id]) : null;
    if (next !== null) reply.header('link', nextLink(NOTES_PATH, query, next));
    return { items: items.map(noteView), next_cursor: next };
  }

  /** The notes of a user that are most about something; a new text is found once its job is done. */
  @Get('search')
  @Requires('payloads:read', ofAi)
  @ApiOkResponse({ type: FoundNoteListDto })
  @ApiProblems('query_invalid', 'search_unavailable')
  async search(
    @Query() { userId, q, limit }: NoteSearchQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
  ): Promise<FoundNoteListDto> {
    this.database.assertReady();
    const signal = AbortSignal.timeout(SEARCH_TIMEOUT_MS);
    try {
      const found = await this.found.search({ tenant, userId, text: q, limit }, signal);
      return { items: found.map(({ note, similarity }) => ({ ...noteView(note), similarity })) };
    } catch (error) {
      if (!signal.aborted && !(error instanceof NoteSearchUnavailableError)) throw error;
      throw problem('search_unavailable', {}, error);
    }
  }

  @Get(':id')
  @Requires('jobs:read', ofAi)
  @Masked(...secretMembers)
  @ApiOkResponse({ type: NoteDto })
  @ApiProblems('note_not_found')
  async read(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NoteDto> {
    return shown(await this.require(id, tenant), reply);
  }

  /** Changes a note; until its job is done it is found by its text of before. */
  @Audited('notes.change')
  @Patch(':id')
  @Requires('jobs:write', ofAi)
  @Masked(...secretMembers)
  @ApiHeader({ name: 'If-Match', required: false })
  @ApiOkResponse({ type: NoteDto })
  @ApiProblems('note_not_found', 'precondition_failed')
  async change(
    @Param('id') id: string,
    @Body() { title, body }: ChangeNoteDto,
    @CurrentPrincipal() { tenant, id: caller }: Principal,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NoteDto> {
    const before = await this.require(id, tenant);
    assertMatches(before, ifMatch);
    const edit = { ...(title !== undefined && { title }), ...(body !== undefined && { body }) };
    const edited = await this.notes.edit(before, edit, caller);
    if (edited === undefined) throw problem('precondition_failed');
    return shown(edited, reply);
  }

  @Audited('notes.delete')
  @Delete(':id')
  @Requires('jobs:write', ofAi)
  @HttpCode(204)
  @ApiHeader({ name: 'If-Match', required: false })
  @ApiNoContentResponse()
  @ApiProblems('note_not_found', 'precondition_failed')
  async remove(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    const before = await this.require(id, tenant);
    assertMatches(before, ifMatch);
    if (!(await this.notes.remove(before))) throw problem('note_not_found');
  }

  private async require(id: string, tenant: string): Promise<TradeNote> {
    this.database.assertReady();
    const found = await this.notes.find(id, tenant);
    if (found === undefined) throw problem('note_not_found');
    return found;
  }
}

function tagOf({ version }: TradeNote): string {
  return `"${version}"`;
}

function assertMatches(note: TradeNote, ifMatch: string | undefined): void {
  if (ifMatch !== undefined && !tagMatches(ifMatch, tagOf(note))) throw problem('precondition_failed');
}

function shown(note: TradeNote, reply: FastifyReply): NoteDto {
  reply.header('etag', tagOf(note));
  return noteView(note);
}

function noteView(note: TradeNote): NoteDto {
  const { id, userId, title, body, version, embeddedVersion, embeddingModel } = note;
  return {
    id,
    userId,
    title,
    body,
    embedded: embeddedVersion === version,
    provider: embeddingModel,
    createdAt: note.createdAt.toISOString(),
    updatedAt: note.updatedAt.toISOString(),
    links: { self: `${NOTES_PATH}/${id}` },
  };
}
