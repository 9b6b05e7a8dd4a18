import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { lastValueFrom, of, type Observable } from 'rxjs';
import { drainBody } from '../http/drain-body';
import { problem } from '../problems/problem-catalogue';
import { canonicalJson, fingerprintOf } from '../queue/canonical-json';
import type { StoredAnswer } from './idempotency-records.service';
import { Idempotency, type IdempotentAnswer } from './idempotency.service';
import { STREAMED_BODY, takeBodyFingerprint, type BodyReader } from './streamed-body';

const MAX_KEY_CHARACTERS = 255;
const keptHeaders = ['location', 'retry-after', 'preference-applied'] as const;

/** Reads `Idempotency-Key`, and answers a request that was answered before without doing it again. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly idempotency: Idempotency,
    private readonly reflector: Reflector,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const key = keyOf(request);
    if (key === undefined) return next.handle();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const reader = this.reflector.get<BodyReader | undefined>(STREAMED_BODY, context.getHandler());
    try {
      const answered = await this.idempotency.answer({
        record: recordOf(request, key),
        ...(reader === undefined && { fingerprint: fingerprintOf(canonicalJson(request.body ?? null)) }),
        ...(reader !== undefined && { read: () => reader(request) }),
        work: async () => {
          const body: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
          const fingerprint =
            reader === undefined
              ? fingerprintOf(canonicalJson(request.body ?? null))
              : takeBodyFingerprint(request);
          return { answer: answerOf(reply, body), fingerprint };
        },
      });
      return of(this.send(reply, answered));
    } finally {
      if (reader !== undefined) drainBody(request);
    }
  }

  private send(reply: FastifyReply, { answer, isReplayed }: IdempotentAnswer): unknown {
    if (isReplayed) {
      reply.status(answer.status).headers(answer.headers).header('idempotency-replayed', 'true');
    }
    return answer.body;
  }
}

/** Throws `idempotency_key_invalid` for a key that is empty or too long; undefined when there is none. */
function keyOf({ headers }: FastifyRequest): string | undefined {
  const given = headers['idempotency-key'];
  if (given === undefined) return undefined;
  const key = String(given).trim();
  if (key === '' || key.length > MAX_KEY_CHARACTERS) throw problem('idempotency_key_invalid');
  return key;
}

/** Both spellings of a path are one path. */
function recordOf({ principal, method, url }: FastifyRequest, key: string): string {
  const path = (url.split('?', 1)[0] ?? '').replace(/^\/api(?=\/)/, '');
  return fingerprintOf(principal?.tenant ?? '', principal?.id ?? '', method, path, key);
}

function answerOf(reply: FastifyReply, body: unknown): StoredAnswer {
  const headers = keptHeaders.flatMap((name) => {
    const value = reply.getHeader(name);
    return value === undefined ? [] : [[name, String(value)] as const];
  });
  return {
    status: reply.statusCode,
    headers: Object.fromEntries(headers),
    ...(body !== undefined && { body }),
  };
}
