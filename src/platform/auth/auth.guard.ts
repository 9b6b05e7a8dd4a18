import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Admission } from './admission.service';
import { accessOf } from './route-access';

/** Asks, once the body is there, whether whoever was admitted may do this on the very queue. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(private readonly admission: Admission) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    this.admission.checkQueue(request, accessOf(request));
    return true;
  }
}
