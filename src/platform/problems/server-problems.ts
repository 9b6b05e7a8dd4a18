import type { CatalogueEntry } from './catalogue-entry';

/** What keeps the server from answering. */
export const serverProblems = {
  internal_error: {
    status: 500,
    title: 'Something failed inside the server',
    advice: 'The log has the cause under this request id. Report it if it stays.',
  },
  not_implemented: {
    status: 501,
    title: 'The server does not do this',
    advice: 'Compare the request with the description at /docs.',
  },
  service_unavailable: {
    status: 503,
    title: 'The server cannot do this now',
    advice: 'Try again a little later.',
    retryable: true,
    retryAfterSeconds: 1,
  },
  issuer_unavailable: {
    status: 503,
    title: 'The keys of the token issuer cannot be had',
    advice: 'Try again; if it stays, look at JWT_JWKS_URL and at the log.',
    retryable: true,
    retryAfterSeconds: 2,
  },
  shutting_down: {
    status: 503,
    title: 'The server is stopping',
    advice: 'Send the request again: another process, or this one after its restart, takes it.',
    retryable: true,
    retryAfterSeconds: 2,
  },
  storage_unavailable: {
    status: 503,
    title: 'Redis cannot be reached',
    advice: 'Nothing was stored. Try again; /health says when Redis is back.',
    retryable: true,
    retryAfterSeconds: 1,
  },
  storage_degraded: {
    status: 503,
    title: 'Redis refuses to write',
    advice: 'Nothing was stored. Redis is a replica, has lost its replicas, or cannot save to its disk.',
    retryable: true,
    retryAfterSeconds: 5,
  },
  queue_full: {
    status: 503,
    title: 'Redis has no memory left',
    advice: 'Nothing was stored. Let the workers catch up, or give Redis more memory.',
    retryable: true,
    retryAfterSeconds: 5,
  },
  enqueue_outcome_unknown: {
    status: 503,
    title: 'It is not known whether the job was stored',
    advice: 'Repeat the request with the same Idempotency-Key or job key: it is still one job.',
    retryable: true,
    retryAfterSeconds: 1,
  },
  database_unavailable: {
    status: 503,
    title: 'The database cannot be reached',
    advice: 'Try again. Jobs that need no database are still accepted.',
    retryable: true,
    retryAfterSeconds: 1,
  },
  gateway_timeout: {
    status: 504,
    title: 'It took too long',
    advice: 'Try again; use the status of the job instead of waiting for it.',
    retryable: true,
  },
  audit_full: {
    status: 503,
    title: 'Nothing more is done that would leave no trace',
    advice: 'The audit waits for PostgreSQL, and no more can wait: bring the database back.',
    retryable: true,
    retryAfterSeconds: 10,
  },
  disk_full: {
    status: 507,
    title: 'The disk is full',
    advice: 'Nothing was kept of this request. Free space where HOLDFAST_HOME or the database lies.',
    retryable: true,
    retryAfterSeconds: 30,
  },
} as const satisfies Record<string, CatalogueEntry>;
