import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorReporter } from '../error-reporting/error-reporter.service';
import { errorMemberOf } from './error-member.decorator';
import type { Problem } from './problem';
import { problemAnswer } from './problem-answer';
import { problemOf } from './problem-of';

type AnyRequest = FastifyRequest | (IncomingMessage & { id?: string; originalUrl?: string });
type AnyReply = FastifyReply | ServerResponse;

/** Answers every error of the application as `application/problem+json`; logs those that are ours, with the cause. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('HTTP');

  constructor(private readonly reporter?: Pick<ErrorReporter, 'report'>) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<AnyRequest>();
    const reply = http.getResponse<AnyReply>();
    const response = 'raw' in reply ? reply.raw : reply;
    // The client is gone: there is nobody to answer, and nothing of ours went wrong.
    if (response.destroyed || response.socket?.destroyed) return;
    const status = healthReport(error);
    if (status !== undefined) return send(reply, status);
    const problem = problemOf(error, isSafe(request.method));
    this.log(problem, error);
    if (problem.code === 'internal_error') this.report(error, request);
    if (response.headersSent) {
      // Half an answer is out; only breaking the connection tells the client that the rest is missing.
      response.destroy();
      return;
    }
    send(reply, problemAnswer(problem, described(request, problem)));
  }

  /** Names the route as it is declared: a path may hold a key of the caller's. */
  private report(error: unknown, request: AnyRequest): void {
    const { method = 'unknown', id } = request;
    const route = routeOf(request);
    this.reporter?.report(error, () => ({
      kind: 'http',
      group: [method, route],
      tags: { method, route, correlationId: id },
    }));
  }

  private log(problem: Problem, error: unknown): void {
    if (problem.status < 500) return;
    if (problem.code === 'internal_error') {
      this.logger.error({ msg: 'A request failed', err: error instanceof Error ? error : String(error) });
      return;
    }
    const { cause } = problem;
    const reason = cause instanceof Error ? cause.message.slice(0, 300) : undefined;
    this.logger.warn({ msg: problem.title, code: problem.code, ...(reason !== undefined && { reason }) });
  }
}

function routeOf(request: AnyRequest): string {
  return ('routeOptions' in request ? request.routeOptions.url : undefined) ?? 'unmatched';
}

function described(request: AnyRequest, problem: Problem) {
  const url = ('originalUrl' in request ? request.originalUrl : undefined) ?? request.url ?? '/';
  const errorMember = 'routeOptions' in request ? errorMemberOf(request, problem.status) : undefined;
  return { url, id: request.id ?? 'unknown', ...(errorMember !== undefined && { errorMember }) };
}

function send(
  reply: AnyReply,
  answer: { status: number; headers: Readonly<Record<string, string>>; body: string },
): void {
  if ('raw' in reply) {
    if (reply.sent) return;
    void reply.code(answer.status).headers(answer.headers).serializer(String).send(answer.body);
    return;
  }
  reply.writeHead(answer.status, answer.headers).end(answer.body);
}

function isSafe(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

/** Terminus throws its report; probes expect that body as it is. */
function healthReport(error: unknown) {
  if (!(error instanceof HttpException)) return undefined;
  const body: unknown = error.getResponse();
  const isReport = typeof body === 'object' && body !== null && 'status' in body && 'details' in body;
  if (!isReport) return undefined;
  const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };
  return { status: error.getStatus(), headers, body: JSON.stringify(body) };
}
