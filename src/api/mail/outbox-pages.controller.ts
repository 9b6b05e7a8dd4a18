import { Controller, Get, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { always } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { Database } from '../../platform/database/database.service';
import { pagePolicy } from '../../platform/http/page';
import { problem } from '../../platform/problems/problem-catalogue';
import { MailOutbox } from '../../workloads/tasks/mail-outbox.store';
import { mailPage, outboxPage } from './outbox-pages';

const ofEmail = always('email');
const SHOWN = 100;

// What stands in a mail comes from callers: nothing in it runs, and nothing is fetched.
const MAIL_POLICY =
  "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/** The outbox for people. */
@ApiExcludeController()
@Controller('ui/outbox')
export class OutboxPagesController {
  constructor(
    private readonly outbox: MailOutbox,
    private readonly database: Database,
  ) {}

  @Get()
  @Requires(['jobs:read', 'payloads:read'], ofEmail)
  async list(
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    this.database.assertReady();
    return asPage(reply, outboxPage(await this.outbox.list({ tenant, limit: SHOWN }), SHOWN));
  }

  @Get(':id')
  @Requires(['jobs:read', 'payloads:read'], ofEmail)
  async read(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    return asPage(reply, mailPage(await this.require(id, tenant)));
  }

  /** The HTML of a mail, as its reader would see it. */
  @Get(':id/html')
  @Requires(['jobs:read', 'payloads:read'], ofEmail)
  async html(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { html } = await this.require(id, tenant);
    return asPage(reply, html, MAIL_POLICY);
  }

  private async require(id: string, tenant: string) {
    this.database.assertReady();
    const mail = await this.outbox.find(id, tenant);
    if (mail === undefined) throw problem('mail_not_found');
    return mail;
  }
}

function asPage(reply: FastifyReply, html: string, policy = pagePolicy()): string {
  reply.headers({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'cache-control': 'no-store',
  });
  return html;
}
