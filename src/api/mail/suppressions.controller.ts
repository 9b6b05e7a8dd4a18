import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Audited } from '../../platform/audit/audited.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { always } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { Database } from '../../platform/database/database.service';
import { decodeCursor, encodeCursor, nextLink } from '../../platform/http/cursor';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { MailSuppressions } from '../../workloads/tasks/mail-suppressions.store';
import type { Suppression } from '../../workloads/tasks/mail.tables';
import { NewSuppressionDto, SuppressionDto, SuppressionListDto } from './mail.dto';

const PATH = '/api/mail/suppressions';
const ofEmail = always('email');

/** Who gets no mail any more. */
@ApiTags('mail')
@Controller(PATH.slice(1))
export class SuppressionsController {
  constructor(
    private readonly suppressions: MailSuppressions,
    private readonly database: Database,
  ) {}

  /** By address; those that a mail server has refused for good are put here by themselves. */
  @Get()
  @Requires(['jobs:read', 'payloads:read'], ofEmail)
  @ApiOkResponse({ type: SuppressionListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: PageQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SuppressionListDto> {
    this.database.assertReady();
    const { limit, cursor } = query;
    const afterAddress = cursor === undefined ? '' : decodeCursor(cursor, 'string')[0].replaceAll('\0', '');
    const found = await this.suppressions.list({ tenant, limit: limit + 1, afterAddress });
    const items = found.slice(0, limit);
    const next = found.length > limit ? encodeCursor([items.at(-1)!.address]) : null;
    if (next !== null) reply.header('link', nextLink(PATH, query, next));
    return { items: items.map(view), next_cursor: next };
  }

  /** From now on no mail goes to this address; one that is on the list already keeps its reason. */
  @Audited('mail.suppress')
  @Post()
  @Requires('jobs:manage', ofEmail)
  @HttpCode(201)
  @ApiCreatedResponse({ type: SuppressionDto })
  async add(
    @Body() { address, reason }: NewSuppressionDto,
    @CurrentPrincipal() { tenant, id }: Principal,
  ): Promise<SuppressionDto> {
    this.database.assertReady();
    return view(await this.suppressions.add({ address, reason, tenant, by: id }));
  }

  /** Mail goes to this address again. */
  @Audited('mail.unsuppress', { reason: 'always' })
  @Delete(':address')
  @Requires('jobs:manage', ofEmail)
  @HttpCode(204)
  @ApiNoContentResponse()
  @ApiProblems('suppression_not_found')
  async remove(@Param('address') address: string, @CurrentPrincipal() { tenant }: Principal): Promise<void> {
    this.database.assertReady();
    if (address.includes('\0') || !(await this.suppressions.remove(address, tenant))) {
      throw problem('suppression_not_found');
    }
  }
}

function view({ address, reason, createdBy, createdAt }: Suppression): SuppressionDto {
  return { address, reason, createdBy, createdAt: createdAt.toISOString() };
}
