import { HttpException } from '@nestjs/common';
import { DatabaseUnavailableError } from '../database/database-unavailable.error';
import { PriorityRefusedError } from '../queue/add-job';
import { UnknownJobTypeError } from '../queue/job-dispatcher.service';
import { PayloadInvalidError } from '../queue/job-payload';
import { RedisUnavailableError } from '../redis/redis-unavailable.error';
import { problemOf } from './problem-of';

const coded = (message: string, code: string, more: object = {}) =>
  Object.assign(new Error(message), { code, ...more });
const refused = coded('connect ECONNREFUSED 127.0.0.1:5432', 'ECONNREFUSED', { syscall: 'connect' });
class DrizzleQueryError extends Error {}
class MaxRetriesPerRequestError extends Error {
  override name = 'MaxRetriesPerRequestError';
}

describe('an error becomes a problem', () => {
  it.each<[string, unknown, number, string]>([
    ['a Redis that is away', new RedisUnavailableError('x', { cause: refused }), 503, 'storage_unavailable'],
    ['a command given up', new MaxRetriesPerRequestError('x'), 503, 'storage_unavailable'],
    ['a Redis that loads', new Error('LOADING Redis is loading'), 503, 'storage_unavailable'],
    ['a Redis without replicas', new Error('NOREPLICAS Not enough'), 503, 'storage_degraded'],
    ['a Redis that cannot save', new Error('MISCONF Redis is configured'), 503, 'storage_degraded'],
    [
      'a full Redis below another error',
      new Error('x', { cause: new Error('OOM command') }),
      503,
      'queue_full',
    ],
    ['a database that is away', new DatabaseUnavailableError('x'), 503, 'database_unavailable'],
    ['a database that refuses', refused, 503, 'database_unavailable'],
    [
      'a query cut off',
      new DrizzleQueryError('x', { cause: coded('read', 'ECONNRESET') }),
      503,
      'database_unavailable',
    ],
    ['a wrong query', new DrizzleQueryError('x', { cause: coded('syntax', '42601') }), 500, 'internal_error'],
    ['a full disk', coded('write', 'ENOSPC'), 507, 'disk_full'],
    [
      'a full disk of the database',
      new DrizzleQueryError('x', { cause: coded('full', '53100') }),
      507,
      'disk_full',
    ],
    ['a client that went away', coded('aborted', 'ECONNRESET'), 400, 'request_aborted'],
    [
      'a form with too many files',
      coded('limit', 'FST_FILES_LIMIT', { statusCode: 413 }),
      413,
      'payload_too_large',
    ],
    [
      'a fault of Fastify',
      coded('x', 'FST_ERR_REP_INVALID_PAYLOAD_TYPE', { statusCode: 500 }),
      500,
      'internal_error',
    ],
    ['a status without a code', new HttpException('Teapot.', 418), 418, 'bad_request'],
    ['an unknown job type', new UnknownJobTypeError('x', ['y']), 404, 'job_type_unknown'],
    ['a priority where there are none', new PriorityRefusedError('q'), 422, 'priority_refused'],
    ['a string', 'text', 500, 'internal_error'],
    ['nothing', undefined, 500, 'internal_error'],
  ])('%s', (_what, error, status, code) => {
    expect(problemOf(error)).toMatchObject({ status, code });
  });

  it('with pointers into the payload', () => {
    const error = new PayloadInvalidError('EMAIL_SEND', [{ pointer: '/to', detail: 'bad', code: 'isEmail' }]);
    expect(problemOf(error)).toMatchObject({
      status: 422,
      code: 'job_payload_invalid',
      errors: [{ pointer: '#/data/to', code: 'isEmail' }],
    });
  });

  it('of 400 for a field that the payload does not know', () => {
    const error = new PayloadInvalidError('X', [
      { pointer: '/a', detail: 'no', code: 'whitelistValidation' },
    ]);
    expect(problemOf(error)).toMatchObject({
      status: 400,
      code: 'unknown_field',
      errors: [{ pointer: '#/data/a' }],
    });
  });
});
