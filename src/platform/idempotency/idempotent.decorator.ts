import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { ApiProblems } from '../problems/api-problems.decorator';
import { IdempotencyInterceptor } from './idempotency.interceptor';
import { STREAMED_BODY, type BodyReader } from './streamed-body';

/**
 * Lets callers repeat a route safely: with the same `Idempotency-Key` it is done once and answered alike for 24 hours.
 * A route that reads its body as a stream names what reads it for comparison, and calls `noteBodyFingerprint`.
 */
export function Idempotent(streamed?: BodyReader): MethodDecorator {
  return applyDecorators(
    UseInterceptors(IdempotencyInterceptor),
    SetMetadata(STREAMED_BODY, streamed),
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      description: 'Up to 255 characters; a repeat within 24 hours gets the first answer.',
    }),
    ApiProblems('idempotency_key_invalid', 'idempotency_in_flight', 'idempotency_conflict'),
  );
}
