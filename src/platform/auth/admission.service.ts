import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Settings } from '../../config/settings';
import { problem } from '../problems/problem-catalogue';
import { QueueRegistry } from '../queue/queue-registry.service';
import { Authenticator } from './authenticator.service';
import { KeyPresence } from './key-presence.service';
import { allows, allowsSomewhere, type Permission } from './permissions';
import { localPrincipal, type Principal } from './principal';
import { queuesOf } from './queue-of';
import { isSafeMethod, refuseCrossSite, refuseForeignHost, refuseUnlessSameSite } from './request-origin';
import type { RouteAccess } from './route-access';
import { unauthenticated } from './unauthenticated';

/** Decides who may do what, for every route in the same way. */
@Injectable()
export class Admission {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly presence: KeyPresence,
    private readonly registry: QueueRegistry,
    private readonly settings: Settings,
  ) {}

  /** Throws `host_refused` and `cross_site_refused`: what a page elsewhere can make a browser send. */
  checkOrigin(request: FastifyRequest): void {
    if (this.presence.state === 'open') refuseForeignHost(request.headers);
    refuseCrossSite(request, this.settings.PUBLIC_URL);
  }

  /**
   * Before the body is read: who it is, and whether they may do this on any queue at all. Sets the request's principal.
   * Throws the 401, 403 or 503 to answer with; a route that demands nothing is refused to everybody.
   */
  async admit(request: FastifyRequest, access: RouteAccess | undefined): Promise<void> {
    if (isPublic(request, access)) return;
    const found = await this.authenticator.authenticate(request.headers);
    if (found === undefined) throw unauthenticated();
    // That there is no key may have turned out just now, after the origin was looked at.
    if (found.principal === localPrincipal) refuseForeignHost(request.headers);
    if (found.isByCookie && !isSafeMethod(request.method)) refuseUnlessSameSite(request.headers);
    request.principal = found.principal;
    const { permissions } = access ?? {};
    if (permissions === undefined) throw undeclared();
    const missing = permissions.find((permission) => !allowsSomewhere(found.principal, permission));
    if (missing !== undefined) throw refusal(found.principal, missing);
  }

  /** Once the request is complete: whether they may do it on the very queues. Throws as {@link admit} does. */
  checkQueue(request: FastifyRequest, access: RouteAccess | undefined): void {
    if (isPublic(request, access)) return;
    const { principal } = request;
    if (principal === undefined) throw unauthenticated();
    const { permissions, queueOf } = access ?? {};
    if (permissions === undefined) throw undeclared();
    for (const queue of queuesOf(queueOf, request, this.registry)) {
      const missing = permissions.find((permission) => !allows(principal, permission, queue));
      if (missing !== undefined) throw refusal(principal, missing, queue);
    }
  }
}

function isPublic(request: FastifyRequest, access: RouteAccess | undefined): boolean {
  return access?.public === 'everything' || (access?.public === 'reads' && isSafeMethod(request.method));
}

function undeclared() {
  return problem('forbidden', { detail: 'This path says nothing of who may use it, so nobody may.' });
}

function refusal({ role }: Principal, permission: Permission, queue?: string) {
  const where = queue === undefined ? '' : ` on queue "${queue.slice(0, 100)}"`;
  return problem('forbidden', {
    detail: `This needs "${permission}"${where}; the key has the role "${role ?? 'none'}" and no grant for it.`,
  });
}
