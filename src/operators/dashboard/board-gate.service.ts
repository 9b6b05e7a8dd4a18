import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Admission } from '../../platform/auth/admission.service';
import type { Principal } from '../../platform/auth/principal';
import { isSafeMethod } from '../../platform/auth/request-origin';
import { accessOf } from '../../platform/auth/route-access';
import { unauthenticated } from '../../platform/auth/unauthenticated';
import { problem } from '../../platform/problems/problem-catalogue';
import { RedisConnections } from '../../platform/redis/redis-connections.service';

/** Decides on every request to the dashboard before the dashboard sees it. */
@Injectable()
export class BoardGate {
  constructor(
    private readonly admission: Admission,
    private readonly connections: RedisConnections,
  ) {}

  /** Resolves with whom it lets in; rejects with the problem to answer with. */
  async check(request: FastifyRequest): Promise<Principal> {
    this.admission.checkOrigin(request);
    await this.admission.admit(request, accessOf(request));
    // The board's routes are all about every queue: a key that is limited to some has nothing to do here.
    this.admission.checkQueue(request, accessOf(request));
    refuseForms(request);
    // The board itself would wait for Redis to come back.
    if (!this.connections.isReady()) throw problem('storage_unavailable');
    const { principal } = request;
    if (principal === undefined) throw unauthenticated();
    return principal;
  }
}

/** A page of another site can send a form without asking first; it cannot send JSON so. */
function refuseForms({ method, headers }: FastifyRequest): void {
  if (isSafeMethod(method)) return;
  const type = headers['content-type'];
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (type === undefined ? hasBody : !/^application\/json\s*(;|$)/i.test(type)) {
    throw problem('unsupported_media_type');
  }
}
