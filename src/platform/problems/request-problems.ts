import type { CatalogueEntry } from './catalogue-entry';

/** What is wrong with a request, whatever it asks for. */
export const requestProblems = {
  bad_request: {
    status: 400,
    title: 'The request cannot be read',
    advice: 'Compare the request with the description at /docs.',
  },
  http_malformed: {
    status: 400,
    title: 'This is not an HTTP request',
    advice: 'Look for a proxy or a client that breaks request lines, headers or chunks.',
  },
  request_aborted: {
    status: 400,
    title: 'The request ended before its body was complete',
    advice: 'Send the whole body; Content-Length must be its length in bytes.',
    retryable: true,
  },
  url_malformed: {
    status: 400,
    title: 'The path cannot be decoded',
    advice: 'Percent-encode each part of the path as UTF-8.',
  },
  json_malformed: {
    status: 400,
    title: 'The body is not JSON',
    advice: 'Send one JSON value, encoded as UTF-8, without comments or trailing commas.',
  },
  json_too_deep: {
    status: 400,
    title: 'The body is nested too deeply',
    advice: 'Keep objects and arrays within 20 levels.',
  },
  json_too_wide: {
    status: 400,
    title: 'The body has too many members',
    advice: 'Keep each object within 250 members, and the whole within 20,000 values.',
  },
  json_key_refused: {
    status: 400,
    title: 'The body has a key that is not accepted',
    advice:
      'Name no key twice in one object, and none "__proto__", "constructor" or "prototype"; "errors" says where they are.',
  },
  action_unknown: {
    status: 400,
    title: 'There is no such action',
    advice: 'Send one of the actions that "detail" names.',
  },
  unknown_field: {
    status: 400,
    title: 'The request has a field that does not exist',
    advice: 'Remove or correct the fields that "errors" points to; /docs lists those that exist.',
  },
  query_invalid: {
    status: 400,
    title: 'A query parameter is wrong',
    advice: 'Correct the parameters that "errors" names; their pointer begins with a question mark.',
  },
  path_invalid: {
    status: 400,
    title: 'A part of the path is wrong',
    advice: 'Correct the parts of the path that "errors" names; their pointer begins with a colon.',
  },
  cursor_invalid: {
    status: 400,
    title: 'The cursor is not one of ours',
    advice: 'Pass "next_cursor" of the page before unchanged, or leave the cursor out to begin again.',
  },
  idempotency_key_invalid: {
    status: 400,
    title: 'The Idempotency-Key cannot be used',
    advice: 'Send 1 to 255 characters in the header Idempotency-Key, or leave it out.',
  },
  unauthenticated: {
    status: 401,
    title: 'A key is needed',
    advice: 'Send "Authorization: Bearer <key>". In a browser log in with the key at /ui/login.',
  },
  forbidden: {
    status: 403,
    title: 'The key does not allow this',
    advice: 'Use a key of a role that may do it.',
  },
  host_refused: {
    status: 403,
    title: 'The host name is not a local one',
    advice:
      'Without a key only localhost, 127.0.0.1 and [::1] are served; "npm run keys:create -- --role admin" makes one.',
  },
  cross_site_refused: {
    status: 403,
    title: 'Another web site sent this request',
    advice: 'Send changes from pages of this server, or from a program instead of a browser.',
  },
  not_found: {
    status: 404,
    title: 'There is nothing by this name',
    advice: 'Check the id. What has finished is removed after its retention.',
  },
  route_not_found: {
    status: 404,
    title: 'There is no such path',
    advice: 'Paths are case-sensitive and end without a slash; /docs lists them.',
  },
  problem_not_found: {
    status: 404,
    title: 'There is no such problem',
    advice: '/problems lists all there are.',
  },
  key_not_found: {
    status: 404,
    title: 'There is no such key',
    advice: 'Check the part of the key before the dot; /api/keys lists those of your tenant.',
  },
  job_not_found: {
    status: 404,
    title: 'There is no such job',
    advice: 'Check the id. Finished jobs are removed after the retention of their queue.',
  },
  job_type_unknown: {
    status: 404,
    title: 'No queue declares this job type',
    advice: 'Send one of the types that "detail" and /docs name.',
  },
  job_type_bound: {
    status: 422,
    title: 'Jobs of this type are not added by themselves',
    advice: 'Send the request that "detail" names; it adds the job.',
  },
  queue_not_found: {
    status: 404,
    title: 'There is no such queue',
    advice: '/api/queue/stats names the queues.',
  },
  key_limits_undeclared: {
    status: 409,
    title: 'The queue has no limits per key',
    advice: 'Limit the whole queue with PATCH /api/queues/:queue, or declare keyLimits in its code.',
  },
  key_limits_full: {
    status: 409,
    title: 'Too many keys have limits of their own',
    advice: 'Remove limits that are no longer needed, or change the default ones in the code.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The path does not answer this method',
    advice: 'Use a method that the Allow header names.',
  },
  not_acceptable: {
    status: 406,
    title: 'The answer does not exist in this format',
    advice: 'Send an Accept header that /docs lists for this path.',
  },
  request_timeout: {
    status: 408,
    title: 'The request came too slowly',
    advice: 'Send it again over a faster line.',
    retryable: true,
  },
  conflict: {
    status: 409,
    title: 'The state does not allow this now',
    advice: 'Read the current state and decide again.',
  },
  job_active: {
    status: 409,
    title: 'The job is running',
    advice: 'Wait until it has finished, or cancel it where its type allows that.',
  },
  job_not_finished: {
    status: 409,
    title: 'The job has not finished',
    advice: 'Wait until "done" is true: poll the job, or send its request with "Prefer: wait=30".',
    retryable: true,
    retryAfterSeconds: 1,
  },
  job_without_result: {
    status: 409,
    title: 'The job ended without a result',
    advice: 'Its "error" says why; correct the cause and send the job again.',
  },
  job_finished: {
    status: 409,
    title: 'The job has finished',
    advice: 'Enqueue a new job; what has finished does not change.',
  },
  job_key_conflict: {
    status: 409,
    title: 'The key belongs to another job',
    advice: 'Use a new key for another type or payload; "jobId" says which job has this one.',
  },
  idempotency_in_flight: {
    status: 409,
    title: 'The first request with this Idempotency-Key is still being worked',
    advice: 'Repeat the request after Retry-After, unchanged: it gets the answer of the first.',
    retryable: true,
    retryAfterSeconds: 1,
  },
  worker_running: {
    status: 409,
    title: 'A worker of the queue is running',
    advice: 'Let it do its work, or stop it and wait five seconds.',
  },
  gone: {
    status: 410,
    title: 'This has been here and is gone',
    advice: 'It was removed after its retention; create it again if it is still needed.',
  },
  result_gone: {
    status: 410,
    title: 'The result is not kept any more',
    advice: 'Send the job again to get a new one.',
  },
  precondition_failed: {
    status: 412,
    title: 'It has changed in the meantime',
    advice: 'Read it again and send the new ETag in If-Match.',
  },
  payload_too_large: {
    status: 413,
    title: 'The body is too large',
    advice: 'JSON may have 1 MiB; files have a limit of their own and go as multipart/form-data.',
  },
  path_too_long: {
    status: 414,
    title: 'A part of the path is too long',
    advice: 'Ids have at most 256 characters.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body is of a type that is not read here',
    advice:
      'Send application/json without Content-Encoding, or multipart/form-data where /docs says that a file is taken.',
  },
  expectation_failed: {
    status: 417,
    title: 'The expectation cannot be met',
    advice: 'Only "Expect: 100-continue" is understood.',
  },
  validation_failed: {
    status: 422,
    title: 'The request was understood, but a field is wrong',
    advice: 'Correct the fields that "errors" points to.',
  },
  job_payload_invalid: {
    status: 422,
    title: 'The payload does not match its job type',
    advice: 'Correct the fields that "errors" points to; /docs has the schema of each job type.',
  },
  idempotency_conflict: {
    status: 422,
    title: 'The Idempotency-Key belongs to another body',
    advice: 'Use a new key for a new request; repeat an old one with exactly the body it had.',
  },
  priority_refused: {
    status: 422,
    title: 'The queue has no priorities',
    advice: 'Leave the priority out, or send "normal".',
  },
  reason_required: {
    status: 422,
    title: 'What destroys something needs a reason',
    advice: 'Say why in "reason", in 3 to 500 characters.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    advice: 'Wait as long as Retry-After says.',
    retryable: true,
    retryAfterSeconds: 1,
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    advice: 'Path and headers together may have 16 KiB.',
  },
} as const satisfies Record<string, CatalogueEntry>;
