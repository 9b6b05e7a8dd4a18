import type { CatalogueEntry } from './catalogue-entry';

/** What is wrong with an upload, or stands between it and its report. */
export const uploadProblems = {
  validation_not_found: {
    status: 404,
    title: 'There is no such validation run',
    advice: 'Check the id; a run that was deleted does not come back.',
  },
  validation_not_finished: {
    status: 409,
    title: 'The validation has not finished',
    advice: 'Wait until its status is "completed": poll it, or follow its events.',
    retryable: true,
    retryAfterSeconds: 1,
  },
  validation_without_result: {
    status: 409,
    title: 'The validation ended without a result',
    advice: 'Its status and errorMessage say why; correct the cause and upload the file again.',
  },
  validation_changed: {
    status: 412,
    title: 'The run has changed in the meantime',
    advice: 'Read it again and send its ETag in If-Match.',
  },
  report_gone: {
    status: 410,
    title: 'The report is not kept any more',
    advice: 'Upload the file again to get a new one.',
  },
  range_not_satisfiable: {
    status: 416,
    title: 'The file does not have these bytes',
    advice: 'Content-Range says how long the file is.',
  },
  upload_type_unsupported: {
    status: 415,
    title: 'An upload is a form',
    advice: 'Send multipart/form-data with the file in the field "file".',
  },
  upload_malformed: {
    status: 400,
    title: 'The form cannot be read',
    advice: 'Send multipart/form-data whose parts are complete and end with the boundary of its header.',
  },
  upload_field_unknown: {
    status: 400,
    title: 'The form has a field that does not exist',
    advice: 'Leave it out; "detail" names the fields there are.',
  },
  upload_invalid: {
    status: 422,
    title: 'A field of the form is wrong',
    advice: 'Correct the fields that "errors" points to.',
  },
  file_too_large: {
    status: 413,
    title: 'The file is too large',
    advice: 'Split the file, or raise the setting that "detail" names.',
  },
  file_not_found: {
    status: 404,
    title: 'There is no such file',
    advice: 'Check the id; a file that has expired or was deleted does not come back.',
  },
  file_gone: {
    status: 410,
    title: 'The bytes of the file are not kept any more',
    advice: 'Upload the file again, or run the job again that made it.',
  },
  link_expired: {
    status: 410,
    title: 'The link is over',
    advice: 'Ask whoever gave it to you for a new one.',
  },
  too_many_downloads: {
    status: 503,
    title: 'Too many downloads are open',
    advice: 'Wait until some have ended.',
    retryable: true,
    retryAfterSeconds: 5,
  },
  file_quota_reached: {
    status: 507,
    title: 'The files of this tenant take all the room they may',
    advice: 'Delete files that nobody needs, wait until some expire, or raise FILE_TENANT_BYTES.',
  },
  rule_set_invalid: {
    status: 422,
    title: 'The rule set cannot be used',
    advice: 'Correct the entries that "errors" points to.',
  },
  rule_set_not_found: {
    status: 404,
    title: 'There is no rule set of this name',
    advice: '/api/rule-sets lists those there are.',
  },
  too_many_streams: {
    status: 503,
    title: 'Too many event streams are open',
    advice: 'Close some, or poll instead.',
    retryable: true,
    retryAfterSeconds: 5,
  },
} as const satisfies Record<string, CatalogueEntry>;
