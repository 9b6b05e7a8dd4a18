import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiHeader, ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Settings } from '../../config/settings';
import { noteAuditDetail } from '../../platform/audit/audit-detail';
import { Audited } from '../../platform/audit/audited.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Public } from '../../platform/auth/public.decorator';
import { Requires } from '../../platform/auth/route-access';
import { FileLinks } from '../../platform/files/file-links.service';
import { Files } from '../../platform/files/files.service';
import { sendFile } from '../../platform/files/send-file';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { FILES_PATH } from './file-view';
import { FileLinkDto, FileLinkProofDto, FileLinkWishDto } from './file.dto';
import { LinkLimits } from './link-limits.service';

const MINUTE_MS = 60_000;

// Who has the address has the file: neither caches nor the pages of others are to learn it.
const linkHeaders = { 'cache-control': 'private, no-store', 'referrer-policy': 'no-referrer' } as const;

/** Files for people and programs without a key, for a while. */
@ApiTags('files')
@Controller(FILES_PATH.slice(1))
export class FileLinksController {
  constructor(
    private readonly files: Files,
    private readonly links: FileLinks,
    private readonly limits: LinkLimits,
    private readonly settings: Settings,
  ) {}

  /** Makes a link that hands out one file without a key until it expires. */
  @Audited('files.share')
  @Post(':id/links')
  @Requires(['files:read', 'payloads:read'])
  @HttpCode(201)
  @ApiBody({ type: FileLinkWishDto, required: false })
  @ApiCreatedResponse({ type: FileLinkDto })
  @ApiProblems('file_not_found', 'validation_failed')
  async create(
    @Param('id') id: string,
    @Body() wish: FileLinkWishDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FileLinkDto> {
    const lifeMs = this.lifeOf(wish.expiresInMinutes);
    const record = await this.files.find(id, tenant);
    if (record === undefined) throw problem('file_not_found');
    const { expires, signature, expiresAt } = await this.links.sign(record, lifeMs);
    noteAuditDetail(request, { expiresAt: expiresAt.toISOString() });
    reply.headers(linkHeaders);
    const path = `${FILES_PATH}/${id}/download?expires=${expires}&signature=${signature}`;
    return { url: this.publicAddress(path), expiresAt: expiresAt.toISOString() };
  }

  /** The bytes of a file, for whoever has a link to it; no key is needed. */
  @Get(':id/download')
  @Public()
  @ApiHeader({ name: 'Range', required: false })
  @ApiOkResponse({
    content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
  })
  @ApiResponse({ status: 206, description: 'The bytes that Range asks for.' })
  @ApiProblems('query_invalid', 'file_not_found', 'link_expired', 'file_gone', 'range_not_satisfiable')
  @ApiProblems('rate_limited', 'too_many_downloads')
  async download(
    @Param('id') id: string,
    @Query() proof: FileLinkProofDto,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    reply.headers(linkHeaders);
    await this.limits.take(request, reply);
    const record = await this.links.follow(id, proof);
    if (record === undefined) throw problem('file_not_found');
    if (record === 'expired') throw problem('link_expired');
    const file = await this.files.open(record);
    if (file === undefined) throw problem('file_gone');
    const { contentType: type, sha256: tag, name: saveAs } = record;
    await sendFile(file, { type, tag, saveAs, headers: linkHeaders }, request, reply);
  }

  private lifeOf(minutes: number | undefined): number {
    const { maxLifeMs } = this.links;
    if (minutes === undefined) return maxLifeMs;
    if (minutes * MINUTE_MS <= maxLifeMs) return minutes * MINUTE_MS;
    const detail = `must be ${maxLifeMs / MINUTE_MS} at most, or FILE_LINK_HOURS be raised`;
    throw problem('validation_failed', {
      errors: [{ pointer: '#/expiresInMinutes', detail, code: 'max' }],
    });
  }

  /** Never made from the Host header, which is the caller's. */
  private publicAddress(path: string): string {
    const { PUBLIC_URL } = this.settings;
    return PUBLIC_URL === undefined ? path : `${PUBLIC_URL.replace(/\/$/, '')}${path}`;
  }
}
