import { Controller, Get, Header, Headers, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../../platform/auth/public.decorator';
import {
  catalogueEntry,
  problem,
  problemCatalogue,
  problemType,
} from '../../platform/problems/problem-catalogue';
import type { CatalogueEntry } from '../../platform/problems/catalogue-entry';
import { pagePolicy } from '../../platform/http/page';
import { problemListPage, problemPage } from './problem-page';

/** What the `type` of every problem links to: a page for people, JSON for programs. */
@ApiExcludeController()
@Public()
@Controller('problems')
export class ProblemPagesController {
  @Get()
  @Header('vary', 'accept')
  list(@Headers('accept') accept: string | undefined, @Res({ passthrough: true }) reply: FastifyReply) {
    const entries = Object.entries<CatalogueEntry>(problemCatalogue);
    if (!wantsPage(accept)) return { data: entries.map(([code, entry]) => described(code, entry)) };
    return asPage(
      reply,
      problemListPage(entries.map(([code, entry]) => [problemType(code), entry] as const)),
    );
  }

  @Get(':slug')
  @Header('vary', 'accept')
  read(
    @Param('slug') slug: string,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const code = slug.replaceAll('-', '_');
    const entry = catalogueEntry(code);
    if (entry === undefined || problemType(code) !== `/problems/${slug}`) throw problem('problem_not_found');
    return wantsPage(accept) ? asPage(reply, problemPage(code, entry)) : described(code, entry);
  }
}

function described(code: string, { status, title, advice, retryable }: CatalogueEntry) {
  return { type: problemType(code), code, status, title, advice, retryable: retryable === true };
}

function wantsPage(accept: string | undefined): boolean {
  return accept?.includes('text/html') === true;
}

function asPage(reply: FastifyReply, page: string): string {
  reply.header('content-type', 'text/html; charset=utf-8').header('content-security-policy', pagePolicy());
  return page;
}
