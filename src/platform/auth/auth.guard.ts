import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { KeyVerifier } from './key-verifier.service';
import { IS_PUBLIC } from './public.decorator';
import { isSafeMethod } from './request-origin';
import { unauthenticated } from './unauthenticated';

/** Lets a request in when its key is right, or when its route is public and it only reads. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly verifier: KeyVerifier,
    private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const principal = this.verifier.verify(request.headers.authorization);
    if (principal !== undefined) {
      request.principal = principal;
      return true;
    }
    const isPublic = this.reflector.getAllAndOverride<boolean | undefined>(IS_PUBLIC, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (isPublic === true && isSafeMethod(request.method)) return true;
    throw unauthenticated(request.headers);
  }
}
