import { Controller, Get, Header, Headers, Param, Res, StreamableFile } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { createReadStream } from 'node:fs';
import { Requires } from '../../platform/auth/route-access';
import { problem } from '../../platform/problems/problem-catalogue';
import { docsPage, docsPolicy, docsScript, swaggerFilePath, swaggerFiles } from './docs-page';
import { OpenApiDocument } from './openapi-document.service';

@ApiExcludeController()
@Requires('docs:read')
@Controller()
export class OpenApiController {
  constructor(private readonly document: OpenApiDocument) {}

  @Get('openapi.json')
  @Header('content-type', 'application/json; charset=utf-8')
  @Header('cache-control', 'private, no-cache')
  readDocument(
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): string {
    const { text, etag } = this.document.get();
    reply.header('etag', etag);
    if (ifNoneMatch !== etag) return text;
    reply.status(304);
    return '';
  }

  @Get('docs')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', docsPolicy)
  readPage(): string {
    return docsPage;
  }

  @Get('docs/start.js')
  @Header('content-type', 'text/javascript; charset=utf-8')
  readScript(): string {
    return docsScript;
  }

  @Get('docs/:file')
  @Header('cache-control', 'private, max-age=86400')
  readFile(@Param('file') file: string): StreamableFile {
    const type = Object.hasOwn(swaggerFiles, file) ? swaggerFiles[file] : undefined;
    if (type === undefined) throw problem('route_not_found');
    return new StreamableFile(createReadStream(swaggerFilePath(file)), { type });
  }
}
