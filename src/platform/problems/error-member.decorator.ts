import type { FastifyRequest } from 'fastify';
import { routeConfig } from '../http/route-config.decorator';

interface RouteWithErrorMember {
  readonly problemErrors?: Readonly<Record<number, string>>;
}

/**
 * Adds the member `error` to the problems of a route, by status, for callers of older documents:
 * `@ErrorMember({ 401: 'Unauthorized' })`. Goes on the method, not on the class.
 */
export const ErrorMember = (textByStatus: Readonly<Record<number, string>>) =>
  routeConfig({ problemErrors: textByStatus } satisfies RouteWithErrorMember);

/** The text that the route of a request promised for a status, if any. */
export function errorMemberOf(
  request: Pick<FastifyRequest, 'routeOptions'>,
  status: number,
): string | undefined {
  const config = request.routeOptions?.config as RouteWithErrorMember | undefined;
  return config?.problemErrors?.[status];
}
