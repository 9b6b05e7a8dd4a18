import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Admission } from '../auth/admission.service';
import { isSafeMethod } from '../auth/request-origin';
import type { CallerLimits } from '../limits/caller-limits.service';
import { accessOf } from '../auth/route-access';
import { loginInstead } from '../auth/unauthenticated';
import { Problem } from '../problems/problem';
import { problem } from '../problems/problem-catalogue';
import type { HttpAdapter } from './http-adapter';
import { endWhenTooSlow } from './slow-body';

/**
 * What every request passes before its body is read, whichever plugin answers it: host and site it comes from,
 * who sends it and whether they may, and whether the path answers its method.
 */
export class RequestGate {
  constructor(
    private readonly adapter: HttpAdapter,
    private readonly admission: Admission,
    private readonly limits?: CallerLimits,
  ) {}

  /** Throws the problem that keeps a request out; true when it was answered here. */
  async pass(request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    this.checkOrigin(request);
    if (request.is404) return this.answerUnrouted(request, reply);
    // A plugin with a gate of its own has admitted whom it lets through.
    if (request.principal === undefined && (await this.sentToLogin(request, reply))) return true;
    if (request.principal !== undefined) await this.limits?.takeRequest(request.principal, reply);
    if (!isSafeMethod(request.method)) this.refuseWhileClosing(reply);
    endWhenTooSlow(request.raw, () => reply.sent || reply.raw.headersSent);
    return false;
  }

  private checkOrigin(request: FastifyRequest): void {
    if (request.headers.host === undefined && request.raw.httpVersion !== '1.0') {
      throw problem('bad_request', { detail: 'The Host header is missing.' });
    }
    // Node takes the first one; a proxy before it may have looked at the other.
    if (hostsOf(request) > 1) throw problem('bad_request', { detail: 'There are two Host headers.' });
    this.admission.checkOrigin(request);
  }

  private async sentToLogin(request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    try {
      await this.admission.admit(request, accessOf(request));
      return false;
    } catch (error) {
      const login = error instanceof Problem && error.status === 401 ? loginInstead(request) : undefined;
      if (login === undefined) throw error;
      void reply.header('cache-control', 'no-store').redirect(login, 303);
      return true;
    }
  }

  private refuseWhileClosing(reply: FastifyReply): void {
    if (!this.adapter.isClosingDown) return;
    void reply.header('connection', 'close');
    throw problem('shutting_down');
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

function hostsOf({ raw: { rawHeaders } }: FastifyRequest): number {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts;
}
