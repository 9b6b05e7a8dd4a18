import type { IServerAdapter } from '@bull-board/api/typings/app';
import { FastifyAdapter } from '@bull-board/fastify';
import { Logger } from '@nestjs/common';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { withAudit } from '../../platform/audit/audited.decorator';
import { withAccess } from '../../platform/auth/route-access';
import { loginInstead } from '../../platform/auth/unauthenticated';
import { problemAnswer } from '../../platform/problems/problem-answer';
import { problemOf } from '../../platform/problems/problem-of';
import type { Problem } from '../../platform/problems/problem';
import { boardAccess, boardAudit } from './board-access';
import type { BoardGate } from './board-gate.service';
import { asVisitor } from './board-visitor';

type ErrorHandler = Parameters<IServerAdapter['setErrorHandler']>[0];

const headers = {
  // The board styles its elements in place; nothing else of it needs an exception.
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
    "font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'self'; " +
    "frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store',
};

// Its page asks a foreign host for a web font; the board falls back to the fonts of the system.
const foreignResource = /<(?:link|script)\b[^>]*\b(?:href|src)="(?:https?:)?\/\/[^>]*>(?:<\/script>)?/gi;

/** Bull Board behind a gate: whatever route it adds, now or in a later version, lies behind the same hooks. */
export class BoardServer extends FastifyAdapter {
  private readonly logger = new Logger('Dashboard');

  constructor(private readonly gate: BoardGate) {
    super();
  }

  override registerPlugin(): FastifyPluginCallback {
    const board = super.registerPlugin();
    return (scope, options, done) => {
      scope.removeContentTypeParser(['application/x-www-form-urlencoded', 'text/plain']);
      scope.addHook('onRoute', (route) => {
        const config = withAccess(route.config, boardAccess(route.method, route.url));
        const audit = boardAudit(route.method, route.url);
        route.config = audit === undefined ? config : withAudit(config, audit);
      });
      scope.addHook('onRequest', (request, reply, next) => {
        this.gate.check(request).then(
          (principal) => asVisitor(principal, next),
          (error: unknown) => refuse(request, reply, problemOf(error)),
        );
      });
      scope.addHook('onSend', (_request, reply, payload, next) => {
        reply.headers(headers);
        next(null, typeof payload === 'string' && isPage(reply) ? withoutForeign(payload) : payload);
      });
      board(scope, options, done);
    };
  }

  /** Gives errors of ours their status, and keeps the text of all others in the log. */
  override setErrorHandler(handler: ErrorHandler): this {
    return super.setErrorHandler((error) => handler(this.boardError(error)));
  }

  private boardError(error: Error): Error {
    const { status, code, title, detail, errors = [] } = problemOf(error, false);
    if (code === 'internal_error')
      this.logger.error({ msg: 'A request to the dashboard failed', err: error });
    const fields = errors.map((field) => `${field.pointer} ${field.detail}`);
    const message = [title, ...(fields.length > 0 ? fields : [detail ?? ''])].filter(Boolean).join(': ');
    return Object.assign(new Error(message.slice(0, 500)), { statusCode: status });
  }
}

function refuse(request: FastifyRequest, reply: FastifyReply, problem: Problem): void {
  const login = problem.status === 401 ? loginInstead(request) : undefined;
  if (login !== undefined) return void reply.redirect(login, 303);
  // The board shows `error` to whoever sits in front of it.
  const answer = problemAnswer(problem, { url: request.url, id: request.id, errorMember: problem.title });
  void reply.code(answer.status).headers(answer.headers).serializer(String).send(answer.body);
}

function isPage(reply: FastifyReply): boolean {
  return String(reply.getHeader('content-type')).startsWith('text/html');
}

function withoutForeign(page: string): string {
  return page.replace(foreignResource, '');
}
