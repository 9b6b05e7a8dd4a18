import type { KeyRole } from '../../src/platform/auth/permissions';

/** `server`: of the home tenant only, because it reaches into the jobs of all. */
export interface RouteRule {
  readonly first: 'anyone' | KeyRole;
  readonly reach?: 'server';
  /** Answered with 403 even to whoever has the right. */
  readonly neverServed?: true;
}

const board = (first: KeyRole): RouteRule => ({ first, reach: 'server' });
const first = (role: RouteRule['first']): RouteRule => ({ first: role });

/**
 * Who may use which route, written down a second time on purpose: what the code declares is compared with it.
 * Paths of documents that also answer without `/api`, and HEAD, follow the canonical GET.
 */
export const routeRules: Readonly<Record<string, RouteRule>> = {
  'GET /health': first('anyone'),
  'GET /health/live': first('anyone'),
  'GET /health/ready': first('anyone'),
  'GET /health/startup': first('anyone'),
  'GET /api/health/queue': first('anyone'),
  'GET /problems': first('anyone'),
  'GET /problems/:slug': first('anyone'),
  'GET /ui/login': first('anyone'),
  'POST /ui/login': first('anyone'),
  'POST /ui/logout': first('anyone'),

  'GET /openapi.json': first('viewer'),
  'GET /docs': first('viewer'),
  'GET /docs/start.js': first('viewer'),
  'GET /docs/:file': first('viewer'),

  'GET /api/queue/stats': first('viewer'),
  'GET /api/queues': first('viewer'),
  'GET /api/queues/:queue': first('viewer'),
  'PATCH /api/queues/:queue': board('operator'),
  'POST /api/queue/pause': board('operator'),
  'POST /api/queue/resume': board('operator'),
  'POST /api/queues/:queue/pause': board('operator'),
  'POST /api/queues/:queue/resume': board('operator'),
  'POST /api/queue/clean/completed': board('admin'),
  'POST /api/queue/clean/failed': board('admin'),
  'POST /api/queues/:queue/drain': board('admin'),
  'GET /api/queue/test': first('viewer'),
  'POST /api/queue/test': board('operator'),

  'POST /api/queue/jobs': first('producer'),
  'GET /api/queue/jobs/:id': first('viewer'),
  'PATCH /api/queue/jobs/:id': first('operator'),
  'DELETE /api/queue/jobs/:id': first('operator'),
  'GET /api/queue/jobs': first('viewer'),
  'POST /api/queue/jobs/batch': first('producer'),
  'GET /api/queue/jobs/:id/attempts': first('viewer'),
  'GET /api/queue/jobs/:id/result': first('admin'),
  'POST /api/queue/jobs/:id/retry': first('operator'),
  'POST /api/queue/jobs/:id/promote': first('operator'),

  'GET /api/queue/dead-letters': first('viewer'),
  'GET /api/queue/dead-letters/:id': first('viewer'),
  'PATCH /api/queue/dead-letters/:id': first('operator'),
  'POST /api/queue/dead-letters/:id/redrive': first('operator'),
  'DELETE /api/queue/dead-letters/:id': first('operator'),
  'POST /api/queue/dead-letters/:id/restore': first('operator'),

  'POST /api/queue/operations': first('operator'),
  'GET /api/queue/operations': first('viewer'),
  'GET /api/queue/operations/:id': first('viewer'),
  'POST /api/queue/operations/:id/abort': first('operator'),

  'GET /api/queue/audit': first('admin'),
  'GET /metrics': board('viewer'),

  'POST /api/validations': first('producer'),
  'GET /api/validations': first('viewer'),
  'GET /api/validations/:id': first('viewer'),
  'DELETE /api/validations/:id': first('operator'),
  'GET /api/validations/:id/errors': first('viewer'),
  'GET /api/validations/:id/logs': first('viewer'),
  'GET /api/validations/:id/report': first('admin'),
  'GET /api/validations/:id/events': first('viewer'),

  'POST /api/rule-sets': first('producer'),
  'GET /api/rule-sets': first('viewer'),
  'GET /api/rule-sets/:name': first('viewer'),
  'DELETE /api/rule-sets/:name': first('producer'),

  'POST /api/files': first('producer'),
  'GET /api/files': first('viewer'),
  'GET /api/files/:id': first('viewer'),
  'GET /api/files/:id/content': first('admin'),
  'POST /api/files/:id/links': first('admin'),
  'GET /api/files/:id/download': first('anyone'),
  'DELETE /api/files/:id': first('operator'),

  'GET /api/flows/:id': first('viewer'),
  'GET /api/flows/:id/events': first('viewer'),
  'POST /api/flows/:id/cancel': first('operator'),

  'GET /api/notifications': first('viewer'),
  'GET /api/notifications/:id': first('viewer'),
  'GET /api/notifications/events': first('viewer'),
  'POST /api/notifications/:id/read': first('producer'),
  'POST /api/notifications/:id/unread': first('producer'),
  'POST /api/notifications/read-all': first('producer'),
  'DELETE /api/notifications/:id': first('producer'),

  'GET /api/mail/templates': first('viewer'),
  'POST /api/mail/templates/:name/preview': first('producer'),
  'GET /api/mail/outbox': first('admin'),
  'GET /api/mail/outbox/:id': first('admin'),
  'GET /api/mail/outbox/:id/eml': first('admin'),
  'GET /api/mail/suppressions': first('admin'),
  'POST /api/mail/suppressions': first('operator'),
  'DELETE /api/mail/suppressions/:address': first('operator'),
  'GET /ui/outbox': first('admin'),
  'GET /ui/outbox/:id': first('admin'),
  'GET /ui/outbox/:id/html': first('admin'),

  'POST /api/keys': first('admin'),
  'GET /api/keys': first('admin'),
  'GET /api/keys/:kid': first('admin'),
  'PATCH /api/keys/:kid': first('admin'),
  'DELETE /api/keys/:kid': first('admin'),
  'POST /api/keys/:kid/rotate': first('admin'),
  'POST /api/keys/:kid/revoke': first('admin'),

  'GET /admin/queues': board('viewer'),
  'GET /admin/queues/': board('viewer'),
  'GET /admin/queues/metrics-history': board('viewer'),
  'GET /admin/queues/job-schedulers': board('viewer'),
  'GET /admin/queues/queue/:queueName': board('viewer'),
  'GET /admin/queues/queue/:queueName/:jobId': board('viewer'),
  'GET /admin/queues/static/*': board('viewer'),
  'GET /admin/queues/api/redis/stats': { ...board('viewer'), neverServed: true },
  'GET /admin/queues/api/queues': board('viewer'),
  'GET /admin/queues/api/job-schedulers': board('viewer'),
  'GET /admin/queues/api/queues/:queueName/metrics': board('viewer'),
  'GET /admin/queues/api/queues/:queueName/default-job-options': board('viewer'),
  'GET /admin/queues/api/queues/:queueName/workers': board('viewer'),
  'GET /admin/queues/api/queues/:queueName/rate-limit': board('viewer'),
  'GET /admin/queues/api/queues/:queueName/job-data-schema': board('viewer'),
  'GET /admin/queues/api/queues/:queueName/:jobId': board('viewer'),
  'GET /admin/queues/api/queues/:queueName/:jobId/logs': board('viewer'),
  'GET /admin/queues/api/queues/:queueName/:jobId/flow': board('viewer'),

  'POST /admin/queues/api/queues/:queueName/add': board('producer'),
  'PUT /admin/queues/api/queues/:queueName/:jobId/retry': board('operator'),
  'PUT /admin/queues/api/queues/:queueName/:jobId/clean': board('operator'),
  'PUT /admin/queues/api/queues/:queueName/:jobId/promote': board('operator'),
  'PATCH /admin/queues/api/queues/:queueName/:jobId/update-data': board('operator'),
  'PATCH /admin/queues/api/queues/:queueName/:jobId/delay': board('operator'),
  'PATCH /admin/queues/api/queues/:queueName/:jobId/priority': board('operator'),
  'PUT /admin/queues/api/queues/:queueName/:jobId/remove-unprocessed-children': board('operator'),
  'PUT /admin/queues/api/queues/pause': board('operator'),
  'PUT /admin/queues/api/queues/resume': board('operator'),
  'PUT /admin/queues/api/queues/:queueName/pause': board('operator'),
  'PUT /admin/queues/api/queues/:queueName/resume': board('operator'),
  'PUT /admin/queues/api/queues/:queueName/promote': board('operator'),
  'PUT /admin/queues/api/queues/:queueName/retry/:queueStatus': board('operator'),
  'PUT /admin/queues/api/queues/:queueName/concurrency': board('operator'),
  'PUT /admin/queues/api/queues/:queueName/rate-limit': board('operator'),
  'PUT /admin/queues/api/queues/:queueName/rate-limit/release': board('operator'),
  'PUT /admin/queues/api/queues/:queueName/job-schedulers/:schedulerId/remove': board('operator'),
  'PATCH /admin/queues/api/queues/:queueName/job-schedulers/:schedulerId': board('operator'),
  'PUT /admin/queues/api/queues/:queueName/job-schedulers/:schedulerId/run': board('operator'),
  'PUT /admin/queues/api/queues/:queueName/clean/:queueStatus': board('admin'),
  'PUT /admin/queues/api/queues/:queueName/empty': board('admin'),
  'PUT /admin/queues/api/queues/:queueName/obliterate': board('admin'),
};
