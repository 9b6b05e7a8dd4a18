import { Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Settings } from '../../config/settings';
import { Audited } from '../../platform/audit/audited.decorator';
import { Authenticator } from '../../platform/auth/authenticator.service';
import { Public } from '../../platform/auth/public.decorator';
import { endedCookie, sessionCookie, sessionTokenIn } from '../../platform/auth/session-cookie';
import { Sessions } from '../../platform/auth/sessions.service';
import { localPath, LOGIN_PATH } from '../../platform/auth/unauthenticated';
import { pagePolicy } from '../../platform/http/page';
import { loginForm } from './login-form';
import { loginPage, logoutPage } from './login-page';

/** Where a browser trades a key for a session, and gives the session back. */
@ApiExcludeController()
@Public('everything')
@Controller('ui')
export class LoginController {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly sessions: Sessions,
    private readonly settings: Settings,
  ) {}

  @Get('login')
  async read(
    @Query('next') next: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const token = sessionTokenIn(request.headers, this.settings);
    const holder = token === undefined ? undefined : await this.sessions.verify(token);
    const page = holder === undefined ? loginPage(pathIn(next)) : logoutPage(holder.name);
    return asPage(reply, page);
  }

  @Audited('sessions.open')
  @Post('login')
  async logIn(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { key = '', next } = await loginForm(request);
    const holder = await this.authenticator.holderOfKey(key.trim());
    if (holder === undefined) {
      reply.status(401).header('www-authenticate', 'Bearer realm="Holdfast"');
      return asPage(reply, loginPage(pathIn(next), 'This is no key of this server, or it is over.'));
    }
    request.principal = holder;
    const session = await this.sessions.open(holder, key.trim());
    reply.status(303).headers({
      location: pathIn(next),
      'set-cookie': sessionCookie(session, this.settings),
    });
    return asPage(reply, '');
  }

  @Audited('sessions.end')
  @Post('logout')
  async logOut(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    await loginForm(request);
    const token = sessionTokenIn(request.headers, this.settings);
    if (token !== undefined) await this.sessions.end(token);
    reply.status(303).headers({ location: LOGIN_PATH, 'set-cookie': endedCookie(this.settings) });
    return asPage(reply, '');
  }
}

function pathIn(next: unknown): string {
  return localPath(typeof next === 'string' ? next : undefined);
}

function asPage(reply: FastifyReply, page: string): string {
  reply.headers({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': pagePolicy("'self'"),
    'cache-control': 'no-store',
  });
  return page;
}
