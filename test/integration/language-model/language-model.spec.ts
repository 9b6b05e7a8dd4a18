import { Logger } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import {
  LanguageModelMissingError,
  ModelAnswerCutError,
  ModelAnswerInvalidError,
  ModelBudgetError,
  ModelRefusedError,
  ModelRequestError,
  ModelUnavailableError,
} from '../../../src/integrations/language-model/language-model-error';
import { Embeddings } from '../../../src/integrations/language-model/embeddings';
import { LanguageModelModule } from '../../../src/integrations/language-model/language-model.module';
import { LanguageModel } from '../../../src/integrations/language-model/language-model.service';
import { TokenBudget } from '../../../src/integrations/language-model/token-budget.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { RedisUnavailableError } from '../../../src/platform/redis/redis-unavailable.error';
import { eventually } from '../../support/eventually';
import { fails, json, LanguageModelServer, says, streams } from '../../support/language-model-server';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';
import { RedisProcess } from '../../support/redis-process';

const KEY = 'sk-never-to-be-seen';
const prompt = { system: 'Count.', user: 'How many?', maxTokens: 50 };
const schema = {
  name: 'count',
  schema: {
    type: 'object',
    properties: { count: { type: 'integer', minimum: 0 } },
    required: ['count'],
    additionalProperties: false,
  },
};
const today = () => new Date().toISOString().slice(0, 10);

describe('the language model', () => {
  const server = new LanguageModelServer();
  const apps: TestingModule[] = [];
  let logged = '';

  const start = async (overrides: Record<string, string> = {}) => {
    const app = await startQueueApp([LanguageModelModule], {
      LLM_BASE_URL: server.baseUrl,
      LLM_API_KEY: KEY,
      LLM_MODEL: 'small-model',
      LLM_PROMPT_PRICE_PER_THOUSAND: '1',
      LLM_COMPLETION_PRICE_PER_THOUSAND: '2',
      ...overrides,
    });
    apps.push(app);
    return app;
  };
  const failure = async (answer: Promise<unknown>): Promise<Error> => {
    const error = await answer.then(
      () => new Error('It was answered.'),
      (reason: Error) => reason,
    );
    expect(`${error.message}${error.stack}${JSON.stringify(error)}`).not.toMatch(/sk-never|secret|How many/);
    return error;
  };

  let app: TestingModule;
  let model: LanguageModel;
  let call: { tenant: string; jobId: string; signal: AbortSignal };
  let calls = 0;

  beforeAll(async () => {
    await server.start();
    app = await start();
    model = app.get(LanguageModel);
    const log = (line: unknown) => void (logged += JSON.stringify(line));
    Logger.overrideLogger({ debug: log, log, warn: log, error: log });
  });
  beforeEach(() => {
    calls += 1;
    call = { tenant: 'default', jobId: `job-${calls}`, signal: new AbortController().signal };
  });
  afterAll(async () => {
    for (const one of apps) await one.close();
    await server.stop();
    expect(logged).not.toContain('sk-never');
  });

  it('answers, and says what it took', async () => {
    server.reset(says('Seven.'));
    await expect(model.complete(prompt, call)).resolves.toEqual({
      text: 'Seven.',
      usage: {
        model: 'small-model',
        promptTokens: 100,
        completionTokens: 20,
        totalTokens: 120,
        cost: 0.14,
        calls: 1,
      },
    });
    expect(server.asked).toMatchObject([
      {
        path: '/v1/chat/completions',
        authorization: `Bearer ${KEY}`,
        body: { model: 'small-model', max_tokens: 50 },
      },
    ]);
  });

  it('is missing without an address', async () => {
    const without = (await start({ LLM_BASE_URL: '', LLM_API_KEY: '', LLM_MODEL: '' })).get(LanguageModel);
    expect(without.model).toBeUndefined();
    expect(await failure(without.complete(prompt, call))).toBeInstanceOf(LanguageModelMissingError);
  });

  describe('structured', () => {
    it('asks for the schema and reads its value', async () => {
      server.reset(says('{"count":7}'));
      await expect(model.completeStructured(prompt, schema, call)).resolves.toMatchObject({
        value: { count: 7 },
      });
      expect(server.asked[0]?.body.response_format).toMatchObject({
        type: 'json_schema',
        json_schema: { strict: true },
      });
    });

    it.each([
      ['no JSON', 'I think it is seven.'],
      ['half an object', '{"count":'],
      ['another type', '{"count":"seven"}'],
      ['a field that nobody asked for', '{"count":7,"__proto__":{"admin":true}}'],
    ])('repairs %s once', async (_what, malformed) => {
      server.reset(says(malformed), says('```json\n{"count":7}\n```'));
      const { value, usage } = await model.completeStructured(prompt, schema, call);
      expect(value).toEqual({ count: 7 });
      expect(usage).toMatchObject({ calls: 2, totalTokens: 240 });
      expect(server.asked[1]?.body.messages.map(({ role }) => role)).toEqual([
        'system',
        'user',
        'assistant',
        'user',
      ]);
    });

    it('gives up on what is malformed twice', async () => {
      server.reset(says('{"count":-1}'));
      const error = await failure(model.completeStructured(prompt, schema, call));
      expect(error).toBeInstanceOf(ModelAnswerInvalidError);
      expect(error).toMatchObject({ isRetryable: true });
      expect(server.asked).toHaveLength(2);
    });

    it('asks in words where the endpoint knows no schemas, and remembers that', async () => {
      const other = (await start()).get(LanguageModel);
      server.reset(fails(400), says('{"count":7}'));
      await expect(other.completeStructured(prompt, schema, call)).resolves.toMatchObject({
        value: { count: 7 },
      });
      await other.completeStructured(prompt, schema, call);
      expect(server.asked.map(({ body }) => body.response_format !== undefined)).toEqual([
        true,
        false,
        false,
      ]);
      expect(server.asked[1]?.body.messages[0]?.content).toContain('"additionalProperties":false');
    });
  });

  it.each([
    ['a refusal', says(null, { message: { refusal: 'I will not.' } }), ModelRefusedError, false],
    ['a filter', says('', { choice: { finish_reason: 'content_filter' } }), ModelRefusedError, false],
    [
      'an answer cut at its length',
      says('Seve', { choice: { finish_reason: 'length' } }),
      ModelAnswerCutError,
      false,
    ],
    ['nothing', says(' '), ModelAnswerInvalidError, true],
    ['no choices', json({ choices: 'none' }), ModelAnswerInvalidError, true],
    ['an array', json([]), ModelAnswerInvalidError, true],
    ['an error with status 200', json({ error: { message: 'secret' } }), ModelAnswerInvalidError, true],
    ['another type', json('secret', 200, { 'content-type': 'text/html' }), ModelAnswerInvalidError, false],
    ['a wrong key', fails(401), ModelRequestError, false],
    ['a redirect', fails(307, { location: 'http://127.0.0.1:1/' }), ModelAnswerInvalidError, false],
  ] as const)('makes a typed error of %s', async (_what, reply, type, isRetryable) => {
    server.reset(reply);
    const error = await failure(model.complete(prompt, call));
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ isRetryable });
    expect(server.asked).toHaveLength(1);
  });

  it('gives up on an answer without end', async () => {
    server.reset((_question, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    const error = await failure(model.complete(prompt, call));
    expect(error).toBeInstanceOf(ModelAnswerInvalidError);
    expect(error.message).toContain('larger than');
  });

  describe('tries again', () => {
    it('after a 429 and a 500, and keeps to Retry-After', async () => {
      server.reset(fails(429, { 'retry-after': '1' }), fails(500), says('Seven.'));
      const startedAt = performance.now();
      await expect(model.complete(prompt, call)).resolves.toMatchObject({
        text: 'Seven.',
        usage: { calls: 1 },
      });
      expect(performance.now() - startedAt).toBeGreaterThan(1_000);
      expect(server.asked).toHaveLength(3);
    });

    it('but leaves a wait that is too long to the job', async () => {
      server.reset(fails(429, { 'retry-after': '120' }));
      const error = await failure(model.complete(prompt, call));
      expect(error).toBeInstanceOf(ModelUnavailableError);
      expect(error).toMatchObject({ isRetryable: true, retryAfterMs: 120_000 });
      expect(server.asked).toHaveLength(1);
    });

    it('three times at most', async () => {
      server.reset(fails(503, { 'retry-after': '0' }));
      expect(await failure(model.complete(prompt, call))).toBeInstanceOf(ModelUnavailableError);
      expect(server.asked).toHaveLength(3);
    });

    it('not at all where nobody listens', async () => {
      const gone = await new LanguageModelServer().start();
      const address = gone.baseUrl;
      await gone.stop();
      const other = (await start({ LLM_BASE_URL: address })).get(LanguageModel);
      const error = await failure(other.complete(prompt, call));
      expect(error).toMatchObject({ name: 'ModelUnavailableError', isRetryable: true, isUnanswered: true });
    });
  });

  it('waits for LLM_TIMEOUT_MS', async () => {
    const other = (await start({ LLM_TIMEOUT_MS: '1000' })).get(LanguageModel);
    server.reset(() => undefined);
    expect(await failure(other.complete(prompt, call))).toBeInstanceOf(ModelUnavailableError);
  });

  it('stops when its job does, at an answer and between two', async () => {
    const reason = new Error('The job was cancelled.');
    for (const reply of [() => undefined, fails(429, { 'retry-after': '30' })]) {
      const controller = new AbortController();
      server.reset((...exchange) => {
        reply(...exchange);
        setImmediate(() => controller.abort(reason));
      });
      expect(await failure(model.complete(prompt, { ...call, signal: controller.signal }))).toBe(reason);
    }
  });

  describe('streams', () => {
    const pieces: string[] = [];
    const take = (text: string) => void pieces.push(text);
    beforeEach(() => void (pieces.length = 0));

    it('an answer piece by piece', async () => {
      server.reset(streams(['Se', 'v', 'én.']));
      const answer = await model.stream(prompt, call, take);
      expect(answer).toMatchObject({ text: 'Sevén.', usage: { totalTokens: 120 } });
      expect(pieces).toEqual(['Se', 'v', 'én.']);
      expect(server.asked[0]?.body.stream).toBe(true);
    });

    it.each([
      ['cut in the middle', streams(['Se'], { isCut: true }), 'ModelUnavailableError', true],
      [
        'ended too early',
        ((_question, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"choices":[]}\n\n');
        }) satisfies ReturnType<typeof says>,
        'ModelStreamCutError',
        true,
      ],
      ['cut at its length', streams(['Se'], { finish: 'length' }), 'ModelAnswerCutError', false],
      [
        'that is no JSON',
        ((_question, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: secret\n\n');
        }) satisfies ReturnType<typeof says>,
        'ModelAnswerInvalidError',
        true,
      ],
      [
        'with one event without end',
        ((_question, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write(`data: ${'x'.repeat(1_000_000)}`);
        }) satisfies ReturnType<typeof says>,
        'ModelAnswerInvalidError',
        true,
      ],
    ] as const)('fails for an answer %s', async (_what, reply, name, isRetryable) => {
      server.reset(reply);
      expect(await failure(model.stream(prompt, call, take))).toMatchObject({ name, isRetryable });
    });
  });

  describe('keeps to its budgets', () => {
    it('of tokens per job, in two processes, to the token', async () => {
      const shared = { REDIS_PREFIX: randomPrefix(), LLM_TOKENS_PER_JOB: '1200' };
      const [one, two] = [await start(shared), await start(shared)];
      server.reset(says('Seven.'));
      const asked = Array.from({ length: 40 }, (_, at) =>
        (at % 2 === 0 ? one : two).get(LanguageModel).complete(prompt, call),
      );
      const answers = await Promise.allSettled(asked);
      const answered = answers.filter(({ status }) => status === 'fulfilled').length;
      // Each takes 120 in the end, and needs 50 and its estimate free at its beginning.
      expect(answered).toBeLessThanOrEqual(10);
      expect(answered).toBeGreaterThan(0);
      expect(server.asked).toHaveLength(answered);
      for (const answer of answers) {
        if (answer.status === 'rejected') expect(answer.reason).toBeInstanceOf(ModelBudgetError);
      }
      const { calls: counted, promptTokens, cost } = await one.get(TokenBudget).usedOn(today(), 'default');
      expect({ counted, promptTokens }).toEqual({ counted: answered, promptTokens: answered * 100 });
      expect(cost).toBeCloseTo(answered * 0.14);
      await removeKeys(one, shared.REDIS_PREFIX);
    });

    it('of costs per day, and says when there is a new one', async () => {
      const poor = await start({ LLM_COST_PER_DAY: '0.4' });
      server.reset(says('Seven.'));
      const asks = () => poor.get(LanguageModel).complete(prompt, call);
      await asks();
      await asks();
      const error = await failure(asks());
      expect(error).toBeInstanceOf(ModelBudgetError);
      expect(error).toMatchObject({ scope: 'costs of the day', isRetryable: true });
      expect((error as ModelBudgetError).retryAfterMs).toBeLessThanOrEqual(86_400_000);
    });

    it('and gives back what was certainly not charged, but nothing else', async () => {
      const { REDIS_PREFIX } = { REDIS_PREFIX: randomPrefix() };
      const other = await start({ REDIS_PREFIX, LLM_TIMEOUT_MS: '1000' });
      const { producer } = other.get(RedisConnections);
      const spent = async () =>
        Number(await producer.hget(`${REDIS_PREFIX}:holdfast:{language-model}:day:${today()}`, 'tokens'));
      server.reset(fails(401));
      await failure(other.get(LanguageModel).complete(prompt, call));
      expect(await spent()).toBe(0);
      server.reset(() => undefined);
      await failure(other.get(LanguageModel).complete(prompt, call));
      expect(await spent()).toBeGreaterThan(100);
      await removeKeys(other, REDIS_PREFIX);
    });

    it('and believes no impossible usage', async () => {
      server.reset(says('Seven.', { usage: { prompt_tokens: -1e9, completion_tokens: 1 } }));
      const { usage } = await model.complete(prompt, call);
      expect(usage.promptTokens).toBeGreaterThan(0);
    });

    it('and asks nothing while Redis is away', async () => {
      const redis = await RedisProcess.start();
      const other = await start({ REDIS_URL: redis.url });
      server.reset(says('Seven.'));
      await other.get(LanguageModel).complete(prompt, call);
      await redis.kill();
      await eventually(async () =>
        expect(await failure(other.get(LanguageModel).complete(prompt, call))).toBeInstanceOf(
          RedisUnavailableError,
        ),
      );
      expect(server.asked).toHaveLength(1);
    });
  });

  describe('embeds', () => {
    const vectors = (...data: unknown[]) => json({ data, usage: { prompt_tokens: 8, total_tokens: 8 } });

    it('through the endpoint, in the order of the texts', async () => {
      const other = (
        await start({ LLM_EMBEDDING_MODEL: 'vectors', LLM_EMBEDDING_PRICE_PER_THOUSAND: '1' })
      ).get(Embeddings);
      server.reset(vectors({ index: 1, embedding: [0, 2] }, { index: 0, embedding: [3, 4] }));
      const embedded = await other.embed(['a', ''], call);
      expect(embedded).toMatchObject({
        provider: 'vectors',
        dimensions: 2,
        usage: { promptTokens: 8, cost: 0.008 },
      });
      expect(embedded.vectors.map((vector) => [...vector].map((value) => Math.round(value * 10)))).toEqual([
        [6, 8],
        [0, 10],
      ]);
      expect(server.asked).toMatchObject([
        { path: '/v1/embeddings', body: { model: 'vectors', input: ['a', ' '] } },
      ]);
    });

    it.each([
      ['too few', vectors({ index: 0, embedding: [1] })],
      ['two for one text', vectors({ index: 0, embedding: [1] }, { index: 0, embedding: [1] })],
      ['of several lengths', vectors({ index: 0, embedding: [1] }, { index: 1, embedding: [1, 2] })],
      ['of words', vectors({ index: 0, embedding: ['1'] }, { index: 1, embedding: [1] })],
      ['none at all', json({ data: null })],
    ])('and refuses vectors that are %s', async (_what, reply) => {
      const other = (await start({ LLM_EMBEDDING_MODEL: 'vectors' })).get(Embeddings);
      server.reset(reply);
      expect(await failure(other.embed(['a', 'b'], call))).toBeInstanceOf(ModelAnswerInvalidError);
    });

    it('without a model by hashes, asking nobody', async () => {
      server.reset(says(''));
      const embedded = await app.get(Embeddings).embed(['a cold day', 'a cold day'], call);
      expect(embedded).toMatchObject({ provider: 'embedded', dimensions: 256, usage: null });
      expect(embedded.vectors[0]).toEqual(embedded.vectors[1]);
      expect(server.asked).toHaveLength(0);
    });
  });
});
