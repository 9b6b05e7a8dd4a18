import type { Permission } from '../../platform/auth/permissions';
import type { RouteAccess } from '../../platform/auth/route-access';

/** What the board's changes need beside the right to see it; by the end of the route's path, the first that fits. */
const changes: readonly (readonly [route: RegExp, permission: Permission])[] = [
  [/\/queues\/(:queueName\/)?(pause|resume)$/, 'queues:manage'],
  [/\/:queueName\/(concurrency|rate-limit|rate-limit\/release)$/, 'queues:manage'],
  [/\/:queueName\/job-schedulers\/:schedulerId(\/run|\/remove)?$/, 'queues:manage'],
  [/\/:queueName\/add$/, 'jobs:write'],
  [/\/:queueName\/(promote|retry\/:queueStatus)$/, 'queues:manage'],
  [/\/:jobId\/(retry|promote|clean|update-data|delay|priority|remove-unprocessed-children)$/, 'jobs:manage'],
];

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Who may use a route of the board. What removes many jobs, and what is not known here, is for administrators. */
export function boardAccess(method: string | readonly string[], url: string): RouteAccess {
  const isRead = [method].flat().every((one) => safeMethods.has(one.toUpperCase()));
  if (isRead) return { permissions: ['dashboard:read'] };
  const [, permission] = changes.find(([route]) => route.test(url)) ?? [undefined, 'queues:destroy' as const];
  return { permissions: ['dashboard:read', permission] };
}
