import { Controller, Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiConsumes,
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Audited, NotAudited } from '../../platform/audit/audited.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { Files } from '../../platform/files/files.service';
import type { FileRecord } from '../../platform/files/files.tables';
import { sendFile } from '../../platform/files/send-file';
import { encodeCursor, nextLink, timePlaceIn } from '../../platform/http/cursor';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { Idempotent } from '../../platform/idempotency/idempotent.decorator';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { readFormFingerprint } from '../../platform/uploads/form-fingerprint';
import { FileUploads, UPLOAD_LIMIT } from './file-uploads.service';
import { FILES_PATH, fileView } from './file-view';
import { FileDto, FileListDto } from './file.dto';

const uploadSchema = {
  type: 'object' as const,
  required: ['file'],
  properties: {
    file: {
      type: 'string',
      format: 'binary',
      description: 'Any file; its size is limited by the server.',
    },
  },
};

@ApiTags('files')
@Controller(FILES_PATH.slice(1))
export class FilesController {
  constructor(
    private readonly uploads: FileUploads,
    private readonly files: Files,
  ) {}

  /** Stores a file that jobs can name by its id, until it expires. */
  @NotAudited('the file itself says who has stored it')
  @Post()
  @Requires('files:write')
  @HttpCode(201)
  @Idempotent(readFormFingerprint([], UPLOAD_LIMIT))
  @ApiConsumes('multipart/form-data')
  @ApiBody({ schema: uploadSchema })
  @ApiCreatedResponse({ type: FileDto })
  @ApiProblems('upload_malformed', 'upload_field_unknown', 'file_too_large', 'upload_type_unsupported')
  @ApiProblems('upload_invalid', 'disk_full', 'file_quota_reached')
  async create(
    @Req() request: FastifyRequest,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FileDto> {
    const view = fileView(await this.uploads.accept(request, principal));
    reply.header('location', view.links.self);
    return view;
  }

  /** The files that have not expired, newest first. */
  @Get()
  @Requires('files:read')
  @ApiOkResponse({ type: FileListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: PageQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FileListDto> {
    const { limit, cursor } = query;
    const found = await this.files.list({
      tenant,
      limit: limit + 1,
      ...(cursor !== undefined && { after: positionIn(cursor) }),
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next =
      found.length > limit && last !== undefined ? encodeCursor([last.createdAt.getTime(), last.id]) : null;
    if (next !== null) reply.header('link', nextLink(FILES_PATH, query, next));
    return { items: items.map(fileView), next_cursor: next };
  }

  /** What is known of one file. */
  @Get(':id')
  @Requires('files:read')
  @ApiOkResponse({ type: FileDto })
  @ApiProblems('file_not_found')
  async read(@Param('id') id: string, @CurrentPrincipal() { tenant }: Principal): Promise<FileDto> {
    return fileView(await this.require(id, tenant));
  }

  /** The bytes of one file, whole or in parts; always to be saved, never shown by a browser. */
  @Get(':id/content')
  @Requires(['files:read', 'payloads:read'])
  @ApiHeader({ name: 'Range', required: false })
  @ApiOkResponse({
    content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
  })
  @ApiResponse({ status: 206, description: 'The bytes that Range asks for.' })
  @ApiProblems('file_not_found', 'file_gone', 'range_not_satisfiable')
  async content(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const record = await this.require(id, tenant);
    const file = await this.files.open(record);
    if (file === undefined) throw problem('file_gone');
    const { contentType: type, sha256: tag, name: saveAs } = record;
    await sendFile(file, { type, tag, saveAs }, request, reply);
  }

  /** Removes a file before it expires; jobs that still name it will not find it. */
  @Audited('files.delete', { reason: 'always' })
  @Delete(':id')
  @Requires('files:manage')
  @HttpCode(204)
  @ApiNoContentResponse()
  @ApiProblems('file_not_found')
  async remove(@Param('id') id: string, @CurrentPrincipal() { tenant }: Principal): Promise<void> {
    if (!(await this.files.remove(id, tenant))) throw problem('file_not_found');
  }

  private async require(id: string, tenant: string): Promise<FileRecord> {
    const record = await this.files.find(id, tenant);
    if (record === undefined) throw problem('file_not_found');
    return record;
  }
}

function positionIn(cursor: string): { createdAt: Date; id: string } {
  const { at, id } = timePlaceIn(cursor, (text) => !text.includes('\0'));
  return { createdAt: at, id };
}
