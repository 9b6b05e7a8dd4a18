import type { RouteAudit } from '../../platform/audit/audited.decorator';
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

/** What is noted of a change on the board, named by the end of its route; undefined for what only reads. */
export function boardAudit(method: string | readonly string[], url: string): RouteAudit | undefined {
  const access = boardAccess(method, url);
  if (access.permissions?.length === 1) return undefined;
  const words = url.split('/').filter((part) => part !== '' && !part.startsWith(':'));
  const isDestructive = access.permissions?.includes('queues:destroy') === true || words.at(-1) === 'clean';
  return {
    action: `dashboard.${words.slice(words.indexOf('queues', 2) + 1).join('.')}`,
    origin: 'dashboard',
    reason: isDestructive ? 'by setting' : 'never',
  };
}
