import { Database } from '../../../src/platform/database/database.service';
import { ActivityStore } from '../../../src/workloads/brokerage/activity.store';
import { AiProducer } from '../../../src/workloads/brokerage/ai/ai.producer';
import { NoteSearch, NoteSearchUnavailableError } from '../../../src/workloads/brokerage/note-search.service';
import { MAX_NOTES, NoteStore } from '../../../src/workloads/brokerage/note.store';
import { ReviewStore } from '../../../src/workloads/brokerage/review.store';
import type { BrokerActivity } from '../../../src/integrations/broker/broker-activity';
import { eventually } from '../../support/eventually';
import { LanguageModelServer, says } from '../../support/language-model-server';
import { startBrokerage, type BrokerageScene } from './brokerage-scene';

const trade = (day: number, quantity: string, price: string, symbol = 'AAPL'): BrokerActivity => ({
  externalId: `${symbol}-${day}-${quantity}`,
  kind: 'trade',
  type: 'FILL',
  symbol,
  side: quantity.startsWith('-') ? 'sell' : 'buy',
  quantity,
  price,
  currency: 'USD',
  occurredAt: new Date(Date.UTC(2024, 0, day)),
});

const traded = (scene: BrokerageScene, userId: string, trades: BrokerActivity[]) =>
  scene.app
    .get(Database)
    .transaction((transaction) =>
      scene.app.get(ActivityStore).upsert(transaction, { tenant: 'default', userId, source: 'one' }, trades),
    );

const coach = async (scene: BrokerageScene, userId: string, more: object = {}) => {
  const { id = '' } = await scene.app.get(AiProducer).addCoach({ userId, ...more });
  const job = await scene.ended(id);
  return { job, review: (await scene.app.get(ReviewStore).findByJob(id))! };
};

describe('ai without a model', () => {
  let scene: BrokerageScene;

  beforeAll(async () => {
    scene = await startBrokerage({ WORKER_QUEUES: 'ai' });
  });
  afterAll(() => scene.close());

  it('reviews how a user has traded, in numbers and in words, once for each job', async () => {
    await traded(scene, 'trader', [
      trade(1, '10', '100'),
      trade(3, '-10', '110'),
      trade(4, '5', '200', 'MSFT'),
      trade(8, '-5', '190', 'MSFT'),
      trade(9, '3', '50', 'OPEN'),
    ]);
    const { job, review } = await coach(scene, 'trader');
    expect(job.result).toMatchObject({ roundTrips: 2, executions: 5, provider: 'embedded' });
    expect(review.statistics).toMatchObject({
      executions: 5,
      symbols: 3,
      results: [
        { roundTrips: 2, winRate: 0.5, netProfit: '50', profitFactor: 2, maxDrawdown: { amount: '50' } },
      ],
      openPositions: [{ symbol: 'OPEN', quantity: '3', averageCost: '50' }],
    });
    expect(review.text).toContain('2 round trips brought 50 after fees');
    expect(review.text).toContain('| AAPL | 1 | 100.0 % | 100 |');
    expect(review.text).toContain('- OPEN: 3 at 50 on average');
    expect(review.text).not.toMatch(/\{\{|\{%|undefined|null|NaN/);
  });

  it('counts what was closed within a time, at what it had cost before', async () => {
    await traded(scene, 'timed', [trade(1, '10', '100'), trade(10, '-5', '110'), trade(20, '-5', '120')]);
    const { review } = await coach(scene, 'timed', { from: '2024-01-15T00:00:00Z' });
    expect(review.statistics).toMatchObject({
      executions: 1,
      results: [{ roundTrips: 1, netProfit: '100' }],
    });
  });

  it('has something to say of somebody who has never traded', async () => {
    const { review } = await coach(scene, 'nobody');
    expect(review.text).toContain('Nothing was closed');
  });

  it('finds notes by what they say, each user their own', async () => {
    const notes = scene.app.get(NoteStore);
    const write = (title: string, body: string, userId = 'writer') =>
      notes.create({ tenant: 'default', userId, title, body }, 'test');
    const earnings = (await write(
      'Earnings',
      'Bought before earnings and sold in panic after the gap down.',
    ))!;
    await write('Patience', 'Waited for the pullback to the moving average before I bought.');
    await write('Recipe', 'Pancakes: flour, eggs, milk.');
    await write('Earnings', 'Bought before earnings, of somebody else.', 'other');
    await eventually(async () => {
      const listed = await notes.list({ tenant: 'default', userId: 'writer', limit: 10 });
      expect(listed.every(({ version, embeddedVersion }) => version === embeddedVersion)).toBe(true);
    }, 15_000);
    const search = (text: string, limit = 5) =>
      scene.app
        .get(NoteSearch)
        .search({ tenant: 'default', userId: 'writer', text, limit }, AbortSignal.timeout(5_000));
    const found = await search('panic selling around earnings');
    expect(found[0]).toMatchObject({ note: { id: earnings.id } });
    expect(found.every(({ note }) => note.userId === 'writer')).toBe(true);
    expect((await search('flour and milk', 1)).map(({ note }) => note.title)).toEqual(['Recipe']);
    expect(await search('???')).toEqual([]);

    const edited = (await notes.edit(earnings, { title: 'Garden', body: 'Tomatoes need water.' }, 'test'))!;
    expect(edited.version).toBe(2);
    expect(await notes.edit(earnings, { title: 'x' }, 'test')).toBeUndefined();
    await eventually(async () => {
      expect((await search('watering tomatoes'))[0]?.note.id).toBe(earnings.id);
    }, 15_000);
  });

  it('knows notes that are gone, and vectors that are made', async () => {
    const notes = scene.app.get(NoteStore);
    const note = (await notes.create({ tenant: 'default', userId: 'w2', title: 't', body: 'b' }, 'test'))!;
    await eventually(
      async () => expect((await notes.find(note.id, 'default'))?.embeddedVersion).toBe(1),
      15_000,
    );
    const embed = async (tenant = 'default') => {
      const { id = '' } = await scene.app.get(AiProducer).addEmbed({ noteId: note.id }, { tenant });
      return (await scene.ended(id)).result;
    };
    expect(await embed()).toMatchObject({ outcome: 'unchanged', provider: 'embedded' });
    expect(await embed('acme')).toMatchObject({ outcome: 'gone' });
    expect(
      await notes.keepVector({ ...note, version: 0 }, { vector: new Float32Array(2), provider: 'x' }),
    ).toBe(false);
    expect(await notes.remove(note)).toBe(true);
    expect(await embed()).toMatchObject({ outcome: 'gone' });
  });

  it('keeps notes within their number', async () => {
    await scene.rows(
      `INSERT INTO trade_notes (id, tenant, user_id, title, body)
       SELECT gen_random_uuid(), 'default', 'full', 't', 'b' FROM generate_series(1, $1)`,
      [MAX_NOTES],
    );
    const note = { tenant: 'default', userId: 'full', title: 't', body: 'b' };
    expect(await scene.app.get(NoteStore).create(note, 'test')).toBeUndefined();
  });
});

describe('ai with a model', () => {
  const model = new LanguageModelServer();
  let scene: BrokerageScene;

  beforeAll(async () => {
    await model.start();
    scene = await startBrokerage({
      WORKER_QUEUES: 'ai',
      LLM_BASE_URL: model.baseUrl,
      LLM_MODEL: 'reviewer-1',
      LLM_EMBEDDING_MODEL: 'vectors-1',
      OUTBOUND_ALLOW_ADDRESSES: '127.0.0.0/8',
    });
    await traded(scene, 'trader', [trade(1, '10', '100'), trade(3, '-10', '110')]);
  });
  afterAll(async () => {
    await scene.close();
    await model.stop();
  });

  it('has it write reviews, and shows it the numbers alone', async () => {
    model.reset(says('# You did well'));
    const { job, review } = await coach(scene, 'trader');
    expect(job.result).toMatchObject({ provider: 'language-model', model: 'reviewer-1' });
    expect(review.text).toBe('# You did well');
    const [question] = model.asked;
    expect(question?.body.messages.at(-1)?.content).toContain('"netProfit":"100"');
    expect(JSON.stringify(question?.body)).not.toContain('trader');
  });

  it('writes by itself when the model refuses', async () => {
    model.reset((_question, response) => {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":{"message":"no"}}');
    });
    const { job, review } = await coach(scene, 'trader');
    expect(job.state).toBe('completed');
    expect(job.attemptsMade).toBeLessThanOrEqual(1);
    expect(review).toMatchObject({ provider: 'embedded', text: expect.stringContaining('1 round trips') });
  });

  it('makes vectors with it, and says when a search cannot be answered', async () => {
    const vector = (
      _question: { body: { input?: string[] } },
      response: import('node:http').ServerResponse,
    ) => {
      const data = (_question.body.input ?? []).map((_text, index) => ({ index, embedding: [3, 4] }));
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({
          object: 'list',
          data,
          model: 'vectors-1',
          usage: { prompt_tokens: 3, total_tokens: 3 },
        }),
      );
    };
    model.reset(vector);
    const notes = scene.app.get(NoteStore);
    const note = (await notes.create({ tenant: 'default', userId: 'w', title: 't', body: 'b' }, 'test'))!;
    await eventually(
      async () => expect(await notes.find(note.id, 'default')).toMatchObject({ embeddingModel: 'vectors-1' }),
      15_000,
    );
    const search = () =>
      scene.app
        .get(NoteSearch)
        .search({ tenant: 'default', userId: 'w', text: 'x', limit: 1 }, AbortSignal.timeout(5_000));
    expect(await search()).toMatchObject([{ similarity: 1 }]);
    model.reset((_question, response) => {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{}');
    });
    await expect(search()).rejects.toThrow(NoteSearchUnavailableError);
  });
});
