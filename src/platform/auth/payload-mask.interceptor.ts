import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { map, type Observable } from 'rxjs';
import { QueueRegistry } from '../queue/queue-registry.service';
import { masked, maskedOf } from './masked.decorator';
import { maySeePayloads } from './principal';
import { queuesOf } from './queue-of';
import { accessOf } from './route-access';

/** Masks what a route has named with `Masked` for every caller without `payloads:read`. */
@Injectable()
export class PayloadMask implements NestInterceptor {
  constructor(private readonly registry: QueueRegistry) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const paths = maskedOf(request.routeOptions?.config);
    if (paths.length === 0) return next.handle();
    const queues = queuesOf(accessOf(request)?.queueOf, request, this.registry);
    if (queues.every((queue) => maySeePayloads(request.principal, queue))) return next.handle();
    return next.handle().pipe(map((body: unknown) => masked(body, paths)));
  }
}
