import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Settings } from '../../config/settings';
import type { KeyVerifier } from '../auth/key-verifier.service';
import { isSafeMethod, refuseCrossSite, refuseForeignHost } from '../auth/request-origin';
import { unauthenticated } from '../auth/unauthenticated';
import { problem } from '../problems/problem-catalogue';
import type { HttpAdapter } from './http-adapter';
import { endWhenTooSlow } from './slow-body';

/**
 * What every request passes before its body is read, whichever plugin answers it: host and site it comes from,
 * the key for whatever changes something, and whether the path answers its method.
 */
export class RequestGate {
  constructor(
    private readonly adapter: HttpAdapter,
    private readonly verifier: KeyVerifier,
    private readonly settings: Settings,
  ) {}

  /** Throws the problem that keeps a request out; true when it was answered here. */
  pass(request: FastifyRequest, reply: FastifyReply): boolean {
    this.checkOrigin(request);
    if (request.is404) return this.answerUnrouted(request, reply);
    if (!isSafeMethod(request.method)) this.checkChange(request, reply);
    endWhenTooSlow(request.raw, () => reply.sent || reply.raw.headersSent);
    return false;
  }

  private checkOrigin(request: FastifyRequest): void {
    const { headers } = request;
    if (headers.host === undefined && request.raw.httpVersion !== '1.0') {
      throw problem('bad_request', { detail: 'The Host header is missing.' });
    }
    if (this.settings.HOLDFAST_BOOTSTRAP_KEY === undefined) refuseForeignHost(headers);
    refuseCrossSite(request, this.settings.PUBLIC_URL);
  }

  private checkChange(request: FastifyRequest, reply: FastifyReply): void {
    // The guard asks again, but only after the body was read.
    if (this.verifier.verify(request.headers.authorization) === undefined) {
      throw unauthenticated(request.headers);
    }
    if (this.adapter.isClosingDown) {
      void reply.header('connection', 'close');
      throw problem('shutting_down');
    }
  }

  private answerUnrouted(request: FastifyRequest, reply: FastifyReply): boolean {
    const allowed = this.adapter.allowedMethods.of(request.raw.url ?? '/');
    if (allowed.length === 0) throw problem('route_not_found');
    const headers = { allow: allowed.join(', ') };
    if (request.method !== 'OPTIONS') {
      throw problem('method_not_allowed', { detail: `Allowed: ${headers.allow}.`, headers });
    }
    void reply.code(204).headers(headers).send();
    return true;
  }
}
