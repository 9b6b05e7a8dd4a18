import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Who sends a request. */
export interface Principal {
  /** `bootstrap` for the one key of the settings, `local` on a server that has none. */
  readonly id: 'bootstrap' | 'local';
  readonly role: 'admin';
  readonly tenant: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    principal?: Principal;
  }
}

/** Hands a controller's method the {@link Principal} of its request; `undefined` only on public routes. */
export const CurrentPrincipal = createParamDecorator(
  (_data: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<FastifyRequest>().principal,
);
