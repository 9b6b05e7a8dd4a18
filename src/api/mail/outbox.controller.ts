import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { always } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { Database } from '../../platform/database/database.service';
import { encodeCursor, nextLink } from '../../platform/http/cursor';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { MailOutbox } from '../../workloads/tasks/mail-outbox.store';
import { OutboxListDto, OutboxMailDto } from './mail.dto';
import { outboxEntry, outboxPosition, OUTBOX_PATH } from './outbox-view';

const ofEmail = always('email');

/** Mail that was not sent, because SMTP_URL names no server: all of it is payload. */
@ApiTags('mail')
@Controller(OUTBOX_PATH.slice(1))
export class OutboxController {
  constructor(
    private readonly outbox: MailOutbox,
    private readonly database: Database,
  ) {}

  /** The newest first, without their texts. */
  @Get()
  @Requires(['jobs:read', 'payloads:read'], ofEmail)
  @ApiOkResponse({ type: OutboxListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: PageQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OutboxListDto> {
    this.database.assertReady();
    const { limit, cursor } = query;
    const after = cursor === undefined ? {} : { after: outboxPosition(cursor) };
    const found = await this.outbox.list({ tenant, limit: limit + 1, ...after });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next =
      found.length > limit && last !== undefined ? encodeCursor([last.createdAt.getTime(), last.id]) : null;
    if (next !== null) reply.header('link', nextLink(OUTBOX_PATH, query, next));
    return { items: items.map(outboxEntry), next_cursor: next };
  }

  @Get(':id')
  @Requires(['jobs:read', 'payloads:read'], ofEmail)
  @ApiOkResponse({ type: OutboxMailDto })
  @ApiProblems('mail_not_found')
  async read(@Param('id') id: string, @CurrentPrincipal() { tenant }: Principal): Promise<OutboxMailDto> {
    const mail = await this.require(id, tenant);
    return { ...outboxEntry(mail), text: mail.text, html: mail.html };
  }

  /** The mail as it would have gone over the wire. */
  @Get(':id/eml')
  @Requires(['jobs:read', 'payloads:read'], ofEmail)
  @ApiOkResponse({ content: { 'message/rfc822': { schema: { type: 'string', format: 'binary' } } } })
  @ApiProblems('mail_not_found')
  async eml(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const mail = await this.require(id, tenant);
    await reply
      .headers({
        'content-type': 'message/rfc822',
        'content-disposition': `attachment; filename="${mail.id}.eml"`,
        'cache-control': 'no-store',
      })
      .send(mail.eml);
  }

  private async require(id: string, tenant: string) {
    this.database.assertReady();
    const mail = await this.outbox.find(id, tenant);
    if (mail === undefined) throw problem('mail_not_found');
    return mail;
  }
}
