import { Body, Controller, Get, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiProperty, ApiPropertyOptional, type OpenAPIObject } from '@nestjs/swagger';
import { IsInt, IsOptional, IsString } from 'class-validator';
import type { Queue } from 'bullmq';
import { WithoutKeys } from '../../../test/support/without-keys';
import { readSettings } from '../../config/read-settings';
import { SettingsModule } from '../../config/settings.module';
import { AuthModule } from '../../platform/auth/auth.module';
import { Public } from '../../platform/auth/public.decorator';
import { Requires } from '../../platform/auth/route-access';
import { configureHttp } from '../../platform/http/configure-http';
import { createHttpAdapter } from '../../platform/http/http-adapter';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problemCatalogue } from '../../platform/problems/problem-catalogue';
import { defineQueue } from '../../platform/queue/define-queue';
import { QueueRegistry } from '../../platform/queue/queue-registry.service';
import { OpenApiModule } from './openapi.module';
import { setUpOpenApi } from './set-up-openapi';

class SendPayload {
  @ApiProperty()
  @IsString()
  to: string;
}

class CountPayload {
  @ApiProperty()
  @IsInt()
  count: number;
}

class EnqueueOptions {
  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  jobId?: string;
}

class EnqueueBody {
  @ApiProperty()
  @IsString()
  type: string;

  @ApiProperty()
  options: EnqueueOptions;
}

const queue = defineQueue({
  name: 'sample',
  domain: 'sample',
  description: 'Samples.',
  jobs: {
    SAMPLE_SEND: { payload: SendPayload, description: 'Sends.' },
    'count-samples': { payload: CountPayload },
  },
  worker: { concurrency: 1 },
});

@Requires('jobs:write')
@Controller(['api/queue/jobs', 'queue/jobs'])
class SampleController {
  @Post()
  @ApiProblems('job_key_conflict', 'job_active')
  create(@Body() body: EnqueueBody) {
    return body;
  }
}

@Public()
@Controller('health')
class SampleHealthController {
  @Get()
  read() {
    return {};
  }
}

const key = 'a-key-of-enough-characters';
const settings = readSettings({ NODE_ENV: 'test', HOLDFAST_BOOTSTRAP_KEY: key });

@Module({
  imports: [SettingsModule.forRoot(settings), WithoutKeys, AuthModule, OpenApiModule],
  controllers: [SampleController, SampleHealthController],
})
class TestModule {}

describe('the description of the API', () => {
  let app: NestFastifyApplication;
  beforeAll(async () => {
    app = await NestFactory.create<NestFastifyApplication>(TestModule, createHttpAdapter(settings), {
      logger: false,
    });
    await configureHttp(app, settings);
    app.get(QueueRegistry).register({ definition: queue, queue: {} as Queue });
    setUpOpenApi(app, settings);
    await app.init();
  });
  afterAll(() => app.close());

  const get = (url: string, headers: Record<string, string> = {}) =>
    app.inject({ url, headers: { authorization: `Bearer ${key}`, ...headers } });
  const document = async () => (await get('/openapi.json')).json<OpenAPIObject>();

  it('stands behind the key, the problem pages do not', async () => {
    for (const url of ['/openapi.json', '/docs', '/docs/start.js', '/docs/swagger-ui.css']) {
      expect([url, (await app.inject({ url })).statusCode]).toEqual([url, 401]);
      expect([url, (await get(url)).statusCode]).toEqual([url, 200]);
    }
    expect((await app.inject({ url: '/problems' })).statusCode).toBe(200);
  });

  it('lists each path once, in its form under /api', async () => {
    const { paths } = await document();
    expect(Object.keys(paths).sort()).toEqual(['/api/queue/jobs', '/health']);
    expect(paths['/api/queue/jobs']?.post?.operationId).toBe('Sample_create');
  });

  it('describes the payload of every registered job type, told apart by its type', async () => {
    const { paths, components } = await document();
    const body = paths['/api/queue/jobs']?.post?.requestBody;
    expect(body).toMatchObject({
      content: {
        'application/json': {
          schema: {
            discriminator: {
              propertyName: 'type',
              mapping: {
                SAMPLE_SEND: '#/components/schemas/Enqueue_SAMPLE_SEND',
                'count-samples': '#/components/schemas/Enqueue_count-samples',
              },
            },
          },
        },
      },
    });
    expect(components?.schemas?.['Enqueue_SAMPLE_SEND']).toMatchObject({
      properties: {
        type: { enum: ['SAMPLE_SEND'] },
        data: { $ref: '#/components/schemas/SendPayload' },
        options: { $ref: '#/components/schemas/EnqueueOptions' },
      },
    });
    expect(components?.schemas?.['SendPayload']).toMatchObject({
      required: ['to'],
      additionalProperties: false,
    });
  });

  it('documents problems, those of a route included, and which routes need no key', async () => {
    const { paths } = await document();
    const post = paths['/api/queue/jobs']?.post;
    expect(Object.keys(post?.responses ?? {})).toEqual(
      expect.arrayContaining(['400', '401', '403', '409', '413', '415', '422', '500', '503']),
    );
    expect(post?.responses['409']).toMatchObject({
      description: expect.stringContaining('job_active') as string,
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    });
    const health = paths['/health']?.get;
    expect(health?.security).toEqual([]);
    expect(health?.responses).not.toHaveProperty('401');
    expect(JSON.stringify(health)).not.toContain('x-public');
  });

  it('refers to no schema that is missing', async () => {
    const made = await document();
    const references = [...JSON.stringify(made).matchAll(/"#\/components\/schemas\/([^"]+)"/g)];
    expect(references.length).toBeGreaterThan(0);
    for (const [, name] of references) expect(made.components?.schemas).toHaveProperty([name ?? '']);
  });

  it('answers 304 to a document that is known', async () => {
    const { etag } = (await get('/openapi.json')).headers;
    const again = await get('/openapi.json', { 'if-none-match': String(etag) });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });

  it('shows a page that loads only files of this server', async () => {
    const page = await get('/docs');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
    expect(page.body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    for (const [, path] of page.body.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect([path, (await get(`/${path}`)).statusCode]).toEqual([path, 200]);
    }
    expect((await get('/docs/start.js')).body).toContain('validatorUrl: null');
  });

  it.each(['/docs/package.json', '/docs/..%2fpackage.json', '/docs/constructor'])(
    'serves no %s',
    async (url) => {
      expect((await get(url)).json()).toMatchObject({ code: 'route_not_found' });
    },
  );

  it('explains every problem to people and to programs', async () => {
    for (const [code, { advice, status }] of Object.entries(problemCatalogue)) {
      const url = `/problems/${code.replaceAll('_', '-')}`;
      expect((await app.inject({ url })).json()).toMatchObject({ code, status, advice });
    }
    const page = await app.inject({ url: '/problems/json-malformed', headers: { accept: 'text/html' } });
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.body).toContain('<h1>The body is not JSON</h1>');
    const list = await app.inject({ url: '/problems', headers: { accept: 'text/html' } });
    expect(list.body).toContain('href="/problems/json-malformed"');
  });

  it.each(['/problems/nothing', '/problems/json_malformed', '/problems/__proto__'])(
    'has no page %s',
    async (url) => {
      expect((await app.inject({ url })).json()).toMatchObject({ status: 404, code: 'problem_not_found' });
    },
  );
});
