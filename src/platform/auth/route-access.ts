import { applyDecorators } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { FastifyRequest, RouteOptions } from 'fastify';
import { routeConfig } from '../http/route-config.decorator';
import type { Permission } from './permissions';
import type { QueueOf } from './queue-of';

/** Tells the OpenAPI document which permissions an operation needs. */
export const PERMISSIONS_EXTENSION = 'x-permissions';

/** Who may use a route: what Fastify keeps about it, Bull Board's routes included. */
export interface RouteAccess {
  /** Answered without a key: `reads` for GET, HEAD and OPTIONS only. */
  readonly public?: 'reads' | 'everything';
  /** All of them are needed. */
  readonly permissions?: readonly Permission[];
  /** The queue that a request is about, where a key may be limited to some. */
  readonly queueOf?: QueueOf;
}

interface RouteWithAccess {
  readonly access?: RouteAccess;
}

/**
 * Says what a route, or each route of a controller, demands of its caller; a route that says nothing answers nobody.
 * `queueOf` tells which queue a request is about; without it the permission has to hold on every queue.
 */
export const Requires = (needed: Permission | readonly Permission[], queueOf?: QueueOf) => {
  const permissions = typeof needed === 'string' ? [needed] : needed;
  return applyDecorators(
    routeConfig({
      access: { permissions, ...(queueOf !== undefined && { queueOf }) },
    } satisfies RouteWithAccess),
    ApiExtension(PERMISSIONS_EXTENSION, permissions),
  );
};

/** What the route of a request demands; undefined where it says nothing. */
export function accessOf(request: Pick<FastifyRequest, 'routeOptions'>): RouteAccess | undefined {
  return (request.routeOptions?.config as RouteWithAccess | undefined)?.access;
}

/** The routes that answer nobody, because they do not say who may use them: `GET /api/x`. */
export function undeclaredRoutes(routes: readonly RouteOptions[]): string[] {
  return routes
    .filter(({ config }) => (config as RouteWithAccess | undefined)?.access === undefined)
    .map(({ method, url }) => `${[method].flat().join('|')} ${url}`);
}

/** A route's configuration with its access put in; for routes that no decorator reaches. */
export function withAccess(config: object | undefined, access: RouteAccess): object {
  return { ...config, access };
}
