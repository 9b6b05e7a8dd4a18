import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { allows, HOME_TENANT, type Rights } from './permissions';

/** Who sends a request, and what they may do. */
export interface Principal extends Rights {
  /**
   * The public half of a key, `bootstrap` for the one of the settings, `local` on a server that has none,
   * `jwt:<subject>` for a token of an issuer.
   */
  readonly id: string;
  readonly name: string;
  /** Limits of its own, in the place of those of the settings; 0 for none. */
  readonly limits?: { readonly requestsPerSecond?: number; readonly jobsPerMinute?: number };
}

/** Who holds the key of the settings. */
export const bootstrapPrincipal: Principal = administrator('bootstrap', 'the key of the settings');

/** Everybody on this machine, while the server has no key. */
export const localPrincipal: Principal = administrator('local', 'this machine');

/** Whether payloads, results, errors and logs of a queue are shown as they are; without a queue, those of all. */
export function maySeePayloads(principal: Principal | undefined, queue?: string): boolean {
  return principal !== undefined && allows(principal, 'payloads:read', queue);
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

function administrator(id: string, name: string): Principal {
  return { id, name, role: 'admin', tenant: HOME_TENANT, grants: [] };
}
