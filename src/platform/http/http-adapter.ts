import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Settings } from '../../config/settings';
import { requestId, withLogContext } from '../logging/correlation';
import { problem } from '../problems/problem-catalogue';
import { problemAnswer } from '../problems/problem-answer';
import { problemOf } from '../problems/problem-of';
import { AllowedMethods } from './allowed-methods';
import { parseJson } from './json-body';
import { bareSecurityHeaders } from './security-headers';
import { answerClientError, answerOnSocket } from './socket-answer';

export const MAX_JSON_BYTES = 1_048_576;

const MAX_HEADER_BYTES = 16_384;
const HEADERS_TIMEOUT_MS = 15_000;
const CONNECTIONS_CHECK_MS = 5_000;
// Longer than a held request (30 s) and the heartbeat of an event stream (15 s).
const IDLE_SOCKET_MS = 120_000;
// Longer than the idle time of common load balancers (60 s), which would otherwise meet a closing connection.
const KEEP_ALIVE_MS = 65_000;
// Node does not count a connection as idle on which no request was ever sent.
const CLOSE_GRACE_MS = 3_000;
// A job id has at most 86 characters; keys in paths are longer.
const MAX_PARAM_LENGTH = 256;

/** Fastify under Nest, which reads JSON in our way and knows which methods a path answers. */
export class HttpAdapter extends FastifyAdapter {
  readonly allowedMethods = new AllowedMethods(MAX_PARAM_LENGTH);
  /** Every route of the server, whichever plugin added it, as Fastify knows it once it is ready. */
  readonly routes: RouteOptions[] = [];
  private hasBegunToClose = false;

  /** From the first moment of a stop, while jobs are still drained and reads are still answered. */
  get isClosingDown(): boolean {
    return this.hasBegunToClose;
  }

  override beforeClose(): void {
    this.hasBegunToClose = true;
    super.beforeClose();
  }

  /** Answers under way may end; whoever still holds a connection after that is cut off. */
  override async close(): Promise<void> {
    const server = this.getInstance().server;
    const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    try {
      await super.close();
    } finally {
      clearTimeout(cut);
    }
  }

  /** Leaves JSON as the only body that is parsed; multipart adds itself where it is used. */
  override registerParserMiddleware(): void {
    const instance = this.getInstance();
    instance.removeContentTypeParser(['application/json', 'text/plain']);
    instance.addContentTypeParser(
      /^application\/(?:[\w.!#$&^-]+\+)?json(?:\s*;|$)/i,
      { parseAs: 'buffer' },
      (request, body, done) => {
        try {
          done(null, readJson(request, body as Buffer));
        } catch (error) {
          done(error as Error);
        }
      },
    );
  }
}

/** The HTTP server under Nest, with its limits, timeouts and body parsers; hand it to `NestFactory.create`. */
export function createHttpAdapter(_settings: Settings): HttpAdapter {
  const adapter = new HttpAdapter({
    bodyLimit: MAX_JSON_BYTES,
    trustProxy: false,
    requestIdHeader: false,
    genReqId: idOf,
    // Uploads may take long: the time to the end of a request is bounded by its pace, see slow-body.ts.
    requestTimeout: 0,
    connectionTimeout: IDLE_SOCKET_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
      requireHostHeader: false,
    },
    frameworkErrors: answerFrameworkError,
    clientErrorHandler: answerClientError,
  });
  const instance = adapter.getInstance();
  // Node itself would answer with an empty body.
  instance.server.on('checkExpectation', ({ socket }: IncomingMessage) =>
    answerOnSocket(socket, 'expectation_failed'),
  );
  instance.addHook('onRoute', (route) => {
    adapter.routes.push(route);
    adapter.allowedMethods.add(route.method, route.url);
  });
  // On the raw response, so that streams that are written past Fastify carry it too.
  instance.addHook('onRequest', (request, reply, done) => {
    reply.raw.setHeader('x-request-id', request.id);
    withLogContext({ correlationId: request.id }, done);
  });
  return adapter;
}

function idOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  return requestId(headers['x-request-id'] ?? headers['x-correlation-id']);
}

function readJson(request: FastifyRequest, body: Buffer): unknown {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw problem('unsupported_media_type');
  if (!isUtf8(request.headers['content-type'])) {
    throw problem('unsupported_media_type', {
      detail: 'JSON is read as UTF-8: send it so, and say so or nothing.',
    });
  }
  return body.length === 0 ? undefined : parseJson(body);
}

function isUtf8(contentType = ''): boolean {
  return contentType.split(';').every((parameter) => {
    const [name = '', value = ''] = parameter.trim().toLowerCase().split('=');
    return name !== 'charset' || ['utf-8', '"utf-8"', 'utf8'].includes(value);
  });
}

/** Fastify refuses some requests before any hook or handler of ours runs. */
function answerFrameworkError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const answer = problemAnswer(problemOf(error), { url: request.raw.url ?? '/', id: request.id });
  void reply
    .code(answer.status)
    .headers({ ...bareSecurityHeaders, ...answer.headers, 'x-request-id': request.id })
    .serializer(String)
    .send(answer.body);
}
