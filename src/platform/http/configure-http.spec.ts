import {
  BadRequestException,
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Module,
  NotFoundException,
  Param,
  Post,
  Query,
  Res,
  ServiceUnavailableException,
  type MiddlewareConsumer,
  type NestModule,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsInt, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import type { FastifyReply, InjectOptions } from 'fastify';
import { WithoutKeys } from '../../../test/support/without-keys';
import { readSettings } from '../../config/read-settings';
import { SettingsModule } from '../../config/settings.module';
import { AuthModule } from '../auth/auth.module';
import { CurrentPrincipal, type Principal } from '../auth/principal';
import { Public } from '../auth/public.decorator';
import { Requires } from '../auth/route-access';
import { DatabaseUnavailableError } from '../database/database-unavailable.error';
import { correlationId } from '../logging/correlation';
import { ErrorMember } from '../problems/error-member.decorator';
import { problem } from '../problems/problem-catalogue';
import { RedisUnavailableError } from '../redis/redis-unavailable.error';
import { configureHttp } from './configure-http';
import { createHttpAdapter } from './http-adapter';
import { SentrySink } from '../../../test/support/sentry-sink';

class Item {
  @IsString()
  @MaxLength(5)
  name: string;
}

class Order {
  @IsString()
  to: string;

  @IsOptional()
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => Item)
  items?: Item[];
}

class Filter {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  limit?: number;
}

const failures: Record<string, () => Error> = {
  redis: () => new RedisUnavailableError('Redis is not connected.'),
  memory: () => new Error("OOM command not allowed when used memory > 'maxmemory'. script: 5f3a"),
  readonly: () => new Error("READONLY You can't write against a read only replica."),
  lost: () => new Error('Command timed out'),
  database: () => new DatabaseUnavailableError('The database is not reachable yet.'),
  disk: () => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }),
  bug: () => new TypeError('secret internals'),
  http: () => new BadRequestException('Say it otherwise.'),
  missing: () => new NotFoundException(),
  health: () =>
    new ServiceUnavailableException({ status: 'error', info: {}, error: { redis: {} }, details: {} }),
};

@Requires('jobs:read')
@Controller(['api/orders', 'orders'])
class OrderController {
  @Post()
  @HttpCode(200)
  create(@Body() order: Order) {
    return { to: order.to, isInstance: order instanceof Order, correlation: correlationId() };
  }

  @Get()
  @ErrorMember({ 401: 'Unauthorized', 500: 'Failed to fetch' })
  list(@Query() filter: Filter, @CurrentPrincipal() principal: Principal) {
    return { limit: filter.limit ?? null, principal };
  }

  @Get(':id')
  read(@Param('id') id: string) {
    return { id };
  }

  @Delete(':id')
  remove() {
    throw problem('job_active');
  }
}

@Controller('fail')
class FailController {
  @Public()
  @Get(':how')
  readFailing(@Param('how') how: string) {
    throw failures[how]?.() ?? new Error(how);
  }

  @Public()
  @Get('half/answer')
  readHalf(@Res() reply: FastifyReply) {
    reply.raw.write('half');
    throw new Error('in the middle');
  }

  @Requires('jobs:read')
  @Post(':how')
  writeFailing(@Param('how') how: string) {
    throw failures[how]?.() ?? new Error(how);
  }
}

@Controller('undeclared')
class UndeclaredController {
  @Get()
  read() {
    return {};
  }
}

const key = 'a-key-of-enough-characters';

async function start(environment: Record<string, string>): Promise<NestFastifyApplication> {
  const settings = readSettings({ NODE_ENV: 'test', ...environment });
  @Module({
    imports: [SettingsModule.forRoot(settings), WithoutKeys, AuthModule],
    controllers: [OrderController, FailController, UndeclaredController],
  })
  class TestModule implements NestModule {
    configure(consumer: MiddlewareConsumer) {
      const failing = () => {
        throw new RedisUnavailableError('Redis is not connected.');
      };
      consumer.apply(failing).forRoutes('fail/middleware');
    }
  }
  const app = await NestFactory.create<NestFastifyApplication>(TestModule, createHttpAdapter(settings), {
    logger: false,
  });
  await configureHttp(app, settings);
  await app.init();
  return app;
}

describe('the HTTP edge', () => {
  let app: NestFastifyApplication;
  let open: NestFastifyApplication;
  beforeAll(async () => {
    app = await start({ HOLDFAST_BOOTSTRAP_KEY: key });
    open = await start({});
  });
  afterAll(async () => {
    await app.close();
    await open.close();
  });

  const send = (options: InjectOptions, to = app) =>
    to.inject({ ...options, headers: { authorization: `Bearer ${key}`, ...options.headers } });
  const post = (payload: string | Buffer, type = 'application/json') =>
    send({ method: 'POST', url: '/api/orders', payload, headers: { 'content-type': type } });

  it('validates a body and hands over an instance of its class', async () => {
    const answer = await post('{"to":"a"}');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ to: 'a', isInstance: true });
  });

  it('answers under both spellings of a path', async () => {
    expect((await send({ url: '/orders' })).statusCode).toBe(200);
    expect((await send({ url: '/api/orders' })).statusCode).toBe(200);
  });

  it.each([
    ['broken JSON', '{"to":', 'json_malformed'],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'json_malformed'],
    ['21 levels', '['.repeat(21) + ']'.repeat(21), 'json_too_deep'],
    ['5,000 levels', '{"to":'.repeat(5_000) + '1' + '}'.repeat(5_000), 'json_too_deep'],
    [
      '60,000 members',
      `{${Array.from({ length: 60_000 }, (_, at) => `"k${at}":1`).join()}}`,
      'json_too_wide',
    ],
    ['a prototype key', '{"to":"a","items":[{"__proto__":{"x":1}}]}', 'json_key_refused'],
    ['an escaped prototype key', '{"\\u005f_proto__":{}}', 'json_key_refused'],
    ['a constructor key', '{"constructor":{"prototype":{}}}', 'json_key_refused'],
    ['a number beyond JSON', '{"to":1e999}', 'json_malformed'],
    ['an unknown field', '{"to":"a","admin":true}', 'unknown_field'],
  ])('answers %s with 400', async (_what, payload, code) => {
    const answer = await post(payload);
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({ code, status: 400, instance: '/api/orders', retryable: false });
    expect(answer.body).not.toMatch(/Unexpected|position|at JSON/);
  });

  it('refuses a key that is given twice', async () => {
    const answer = await post('{"to":"a","to":"b"}');
    expect(answer.json()).toMatchObject({ code: 'json_key_refused', errors: [{ pointer: '#/to' }] });
  });

  it.each(['utf-16', 'iso-8859-1', '"utf-7"'])('reads no JSON in %s', async (charset) => {
    const answer = await post('{"to":"a"}', `application/json; charset=${charset}`);
    expect(answer.json()).toMatchObject({ status: 415, code: 'unsupported_media_type' });
    expect((await post('{"to":"a"}', 'application/json; charset="UTF-8"')).statusCode).toBe(200);
  });

  it('points to each wrong field and quotes no value', async () => {
    const answer = await post('{"to":7,"items":[{"name":"ok"},{"name":"far too long a secret"}]}');
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({
      type: '/problems/validation-failed',
      errors: [
        { pointer: '#/to', code: 'isString' },
        { pointer: '#/items/1/name', code: 'maxLength' },
      ],
    });
    expect(answer.body).not.toContain('secret');
  });

  it('points into arrays of arrays and at nested unknown fields', async () => {
    expect((await post('{"to":"a","items":[[1]]}')).statusCode).toBe(422);
    const unknown = await post('{"to":"a","items":[{"name":"x","role":"root"}]}');
    expect(unknown.json()).toMatchObject({ code: 'unknown_field', errors: [{ pointer: '#/items/0/role' }] });
  });

  it('names at most 20 errors', async () => {
    const items = Array.from({ length: 90 }, () => ({ name: 1 }));
    const answer = await post(JSON.stringify({ to: 'a', items }));
    expect(answer.json<{ errors: unknown[] }>().errors).toHaveLength(20);
  });

  it.each(['[]', '"text"', '7', 'null', 'true'])('answers the body %s with 422', async (payload) => {
    expect((await post(payload)).json()).toMatchObject({ status: 422, errors: [{ pointer: '#' }] });
  });

  it('names the missing fields of an empty body', async () => {
    expect((await post('')).json()).toMatchObject({ status: 422, errors: [{ pointer: '#/to' }] });
  });

  it('names a wrong and an unknown query parameter with a question mark', async () => {
    const wrong = await send({ url: '/api/orders?limit=many' });
    expect(wrong.json()).toMatchObject({
      status: 400,
      code: 'query_invalid',
      errors: [{ pointer: '?limit' }],
    });
    const unknown = await send({ url: '/api/orders?limits=1' });
    expect(unknown.json()).toMatchObject({ code: 'unknown_field', errors: [{ pointer: '?limits' }] });
    const twice = await send({ url: '/api/orders?limit=1&limit=2' });
    expect(twice.statusCode).toBe(400);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/xml',
    'text/json',
    'nonsense',
    '',
  ])('answers a body of type "%s" with 415', async (type) => {
    const answer = await post('{"to":"a"}', type);
    expect(answer.json()).toMatchObject({ status: 415, code: 'unsupported_media_type' });
  });

  it('reads media types that end in +json, and parameters', async () => {
    expect((await post('{"to":"a"}', 'application/vnd.holdfast+json')).statusCode).toBe(200);
    expect((await post('{"to":"a"}', 'application/json; charset=utf-8')).statusCode).toBe(200);
  });

  it('answers a compressed body with 415', async () => {
    const answer = await send({
      method: 'POST',
      url: '/api/orders',
      payload: '{}',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    });
    expect(answer.statusCode).toBe(415);
  });

  it('answers more than 1 MiB with 413', async () => {
    const answer = await post(JSON.stringify({ to: 'a'.repeat(1_048_576) }));
    expect(answer.json()).toMatchObject({ status: 413, code: 'payload_too_large' });
  });

  it('answers an unknown path with 404 and a known path under another method with 405', async () => {
    const missing = await send({ method: 'POST', url: '/api/nothing?key=secret', payload: '{' });
    expect(missing.json()).toMatchObject({ code: 'route_not_found', instance: '/api/nothing' });
    const wrong = await send({ method: 'PUT', url: '/api/orders/7', payload: {} });
    expect(wrong.statusCode).toBe(405);
    expect(wrong.headers.allow).toBe('DELETE, GET, HEAD, OPTIONS');
    expect(wrong.json()).toMatchObject({ code: 'method_not_allowed' });
  });

  it('takes an empty id for an unknown path', async () => {
    expect((await send({ url: '/api/orders/' })).json()).toMatchObject({ code: 'route_not_found' });
    expect((await send({ method: 'PUT', url: '/api/orders/' })).statusCode).toBe(404);
  });

  it('answers OPTIONS with the methods and HEAD without a body', async () => {
    const options = await send({ method: 'OPTIONS', url: '/api/orders' });
    expect(options.statusCode).toBe(204);
    expect(options.headers.allow).toBe('GET, HEAD, OPTIONS, POST');
    const head = await send({ method: 'HEAD', url: '/api/orders' });
    expect([head.statusCode, head.body]).toEqual([200, '']);
    expect((await send({ method: 'HEAD', url: '/api/nothing' })).statusCode).toBe(404);
  });

  it.each([
    ['/%', 400, 'url_malformed'],
    [`/api/orders/${'x'.repeat(300)}`, 414, 'path_too_long'],
  ])('answers %.20s before any handler', async (url, status, code) => {
    const answer = await send({ url });
    expect(answer.json()).toMatchObject({ status, code });
    expect(answer.headers).toMatchObject({ 'x-content-type-options': 'nosniff' });
    expect(answer.headers['x-request-id']).toBe(answer.json<{ requestId: string }>().requestId);
  });

  it.each([
    ['redis', 503, 'storage_unavailable'],
    ['memory', 503, 'queue_full'],
    ['readonly', 503, 'storage_degraded'],
    ['lost', 503, 'storage_unavailable'],
    ['database', 503, 'database_unavailable'],
    ['disk', 507, 'disk_full'],
    ['bug', 500, 'internal_error'],
    ['http', 400, 'bad_request'],
    ['missing', 404, 'not_found'],
  ])('turns the failure "%s" into %d %s', async (how, status, code) => {
    const answer = await send({ url: `/fail/${how}` });
    expect(answer.json()).toMatchObject({ status, code, retryable: status === 503 || status === 507 });
    expect(answer.headers['retry-after'] !== undefined).toBe(status === 503 || status === 507);
    expect(answer.body).not.toMatch(/secret|script|maxmemory|replica\.|ENOSPC/);
  });

  it('says that a lost answer leaves the outcome open, but only where something was sent', async () => {
    const answer = await send({ method: 'POST', url: '/fail/lost' });
    expect(answer.json()).toMatchObject({ status: 503, code: 'enqueue_outcome_unknown', retryable: true });
  });

  it('reports what nobody foresaw, by the declared route and without the request, and nothing else', async () => {
    const sink = await SentrySink.open();
    const reporting = await start({ HOLDFAST_BOOTSTRAP_KEY: key, SENTRY_DSN: sink.dsn });
    const get = (path: string) =>
      reporting.inject({
        method: 'GET',
        url: path,
        headers: { authorization: `Bearer ${key}`, cookie: 'a=canary-cookie', 'x-request-id': 'order-7' },
      });
    expect((await get('/fail/canary-of-the-path?token=canary-token')).statusCode).toBe(500);
    expect((await get('/fail/middleware')).statusCode).toBe(503);
    expect((await get('/nowhere')).statusCode).toBe(404);
    await reporting.close();
    await sink.close();
    expect(sink.events.map(({ tags }) => tags)).toEqual([
      expect.objectContaining({ kind: 'http', method: 'GET', route: '/fail/:how', correlationId: 'order-7' }),
    ]);
    expect(sink.envelopes.join()).not.toContain(key);
    expect(sink.envelopes.join()).not.toMatch(/canary-(cookie|token)/);
  });

  it('answers what a middleware throws, and breaks off an answer that fails in the middle', async () => {
    const answer = await send({ url: '/fail/middleware' });
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({ code: 'storage_unavailable', instance: '/fail/middleware' });
    await expect(send({ url: '/fail/half/answer' })).rejects.toThrow(/destroyed/);
  });

  it('while it stops still answers reads, and sends changes elsewhere', async () => {
    const stopping = await start({ HOLDFAST_BOOTSTRAP_KEY: key });
    stopping.getHttpAdapter().beforeClose?.();
    expect((await send({ url: '/api/orders' }, stopping)).statusCode).toBe(200);
    const change = await send({ method: 'POST', url: '/api/orders', payload: { to: 'a' } }, stopping);
    expect(change.json()).toMatchObject({ status: 503, code: 'shutting_down', retryable: true });
    expect(change.headers).toMatchObject({ 'retry-after': '2', connection: 'close' });
    await stopping.close();
  });

  it('leaves the report of a health check as it is', async () => {
    const answer = await send({ url: '/fail/health' });
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toEqual({ status: 'error', info: {}, error: { redis: {} }, details: {} });
  });

  it('takes over a harmless request id, replaces any other, and hands it to the log context', async () => {
    const payload = { method: 'POST', url: '/api/orders', payload: { to: 'a' } } as const;
    const taken = await send({ ...payload, headers: { 'x-request-id': 'abc-1' } });
    expect([taken.headers['x-request-id'], taken.json<{ correlation: string }>().correlation]).toEqual([
      'abc-1',
      'abc-1',
    ]);
    const other = await send({ ...payload, headers: { 'x-correlation-id': 'abc-2' } });
    expect(other.headers['x-request-id']).toBe('abc-2');
    const hostile = await send({ ...payload, headers: { 'x-request-id': 'a b"<script>' } });
    expect(hostile.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('sends security headers with answers and with refusals', async () => {
    for (const answer of [await send({ url: '/api/orders' }), await app.inject({ url: '/api/orders' })]) {
      expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
      expect(answer.headers).not.toHaveProperty('x-powered-by');
      expect(answer.headers).not.toHaveProperty('strict-transport-security');
    }
  });

  it('demands the key, with the member `error` where a route promises one', async () => {
    const answer = await app.inject({ url: '/api/orders' });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="Holdfast"');
    expect(answer.json()).toMatchObject({ code: 'unauthenticated', error: 'Unauthorized' });
    expect((await app.inject({ url: '/api/orders/7' })).json()).not.toHaveProperty('error');
  });

  it('sends a browser to the log-in, and lets no password in', async () => {
    const asked = await app.inject({ url: '/api/orders?limit=1', headers: { accept: 'text/html,*/*' } });
    expect([asked.statusCode, asked.headers.location]).toEqual([
      303,
      '/ui/login?next=%2Fapi%2Forders%3Flimit%3D1',
    ]);
    const basic = `Basic ${Buffer.from(`anyone:${key}`).toString('base64')}`;
    const answer = await app.inject({ url: '/api/orders', headers: { authorization: basic } });
    expect(answer.statusCode).toBe(401);
  });

  it('hands over who sends the request', async () => {
    const answer = await send({ url: '/api/orders' });
    expect(answer.json()).toMatchObject({ principal: { id: 'bootstrap', role: 'admin', tenant: 'default' } });
  });

  it('refuses a route that does not say who may use it', async () => {
    expect((await send({ url: '/undeclared' })).json()).toMatchObject({ status: 403, code: 'forbidden' });
  });

  it('demands the key before it reads a body', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: '/api/orders',
      payload: '{"broken',
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.statusCode).toBe(401);
  });

  it('opens a public route for reading only', async () => {
    expect((await app.inject({ url: '/fail/bug' })).statusCode).toBe(500);
    expect((await app.inject({ method: 'POST', url: '/fail/bug' })).statusCode).toBe(401);
  });

  it.each(['cross-site', 'same-site'])('refuses a change that a browser sends %s', async (site) => {
    const change = { method: 'POST', url: '/api/orders', payload: { to: 'a' } } as const;
    const answer = await send({ ...change, headers: { 'sec-fetch-site': site } });
    expect(answer.json()).toMatchObject({ status: 403, code: 'cross_site_refused' });
    expect((await send({ url: '/api/orders', headers: { 'sec-fetch-site': site } })).statusCode).toBe(200);
    expect((await send({ ...change, headers: { 'sec-fetch-site': 'same-origin' } })).statusCode).toBe(200);
  });

  it('refuses a change with a foreign Origin when the browser says nothing else', async () => {
    const change = { method: 'POST', url: '/api/orders', payload: { to: 'a' } } as const;
    for (const [origin, status] of [
      ['http://evil.example', 403],
      ['null', 403],
      ['http://localhost:80', 200],
    ] as const) {
      const headers = { origin, host: 'localhost' };
      expect([origin, (await send({ ...change, headers })).statusCode]).toEqual([origin, status]);
    }
  });

  it('without a key serves local host names and no others', async () => {
    for (const host of ['localhost:3000', '127.0.0.1', '127.8.0.1:1', '[::1]:3000', 'LOCALHOST']) {
      const answer = await open.inject({ url: '/api/orders', headers: { host } });
      expect([host, answer.statusCode]).toEqual([host, 200]);
    }
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '0.0.0.0',
      '10.0.0.1',
    ]) {
      const answer = await open.inject({ url: '/api/orders', headers: { host } });
      expect([host, answer.json<{ code: string }>().code]).toEqual([host, 'host_refused']);
    }
  });
});
