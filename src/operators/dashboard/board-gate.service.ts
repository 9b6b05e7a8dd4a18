import { Injectable } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import { Settings } from '../../config/settings';
import { KeyVerifier } from '../../platform/auth/key-verifier.service';
import { isSafeMethod, refuseCrossSite, refuseForeignHost } from '../../platform/auth/request-origin';
import { problem } from '../../platform/problems/problem-catalogue';
import { RedisConnections } from '../../platform/redis/redis-connections.service';

interface BoardRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

/** Decides on every request to the dashboard before the dashboard sees it. */
@Injectable()
export class BoardGate {
  constructor(
    private readonly verifier: KeyVerifier,
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
  ) {}

  /** Throws the problem to answer with. */
  check(request: BoardRequest): void {
    if (!this.verifier.hasKey) refuseForeignHost(request.headers);
    if (this.verifier.verify(request.headers.authorization) === undefined) {
      throw problem('unauthenticated', {
        detail: 'Sign in with any user name, and the key as password.',
        headers: { 'www-authenticate': 'Basic realm="Holdfast", charset="UTF-8"' },
      });
    }
    refuseCrossSite(request, this.settings.PUBLIC_URL);
    refuseForms(request);
    // The board itself would wait for Redis to come back.
    if (!this.connections.isReady()) throw problem('storage_unavailable');
  }
}

/** A page of another site can send a form without asking first; it cannot send JSON so. */
function refuseForms({ method, headers }: BoardRequest): void {
  if (isSafeMethod(method)) return;
  const type = headers['content-type'];
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (type === undefined ? hasBody : !/^application\/json\s*(;|$)/i.test(type)) {
    throw problem('unsupported_media_type');
  }
}
