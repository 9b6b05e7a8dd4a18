import { eq } from 'drizzle-orm';
import { Database } from '../../src/platform/database/database.service';
import { mailOutbox } from '../../src/workloads/tasks/mail.tables';
import { Follower } from '../support/event-follower';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

const KEY = 'a-key-of-the-charter-spec';
const PATH = '/api/charter-requests';
const WHOLE =
  '6 people from Teterboro to Van Nuys on 14 March 2031 in the morning, back on 16 March 2031. Please write to ada@example.org';

interface CharterRequest {
  readonly requestId: string;
  readonly status: string;
  readonly provider: string | null;
  readonly message: string;
  readonly clientEmail: string | null;
  readonly request: { legs: { departure: { airport: string } }[]; passengers: number } | null;
  readonly questions: { field: string; question: string }[];
  readonly proposal: {
    options: { rank: number; price: number; summary: string }[];
    emailJobId: string;
  } | null;
  readonly error: string | null;
  readonly tookMs: number | null;
  readonly links: Record<'self' | 'answers' | 'cancel' | 'job' | 'flow' | 'events', string>;
}

interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

describe('a charter request over HTTP', () => {
  let server: TestServer;
  let viewer = '';
  let stranger = '';

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'all', HOLDFAST_BOOTSTRAP_KEY: KEY });
    const keyOf = async (wish: object) =>
      (await ask<{ key: string }>('POST', '/api/keys', { name: 'of a test', ...wish })).body.key;
    viewer = await keyOf({ role: 'viewer' });
    stranger = await keyOf({ role: 'admin', tenant: 'acme' });
  });
  afterAll(() => server.close());

  async function ask<T>(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      body: (text === '' ? undefined : JSON.parse(text)) as T,
    };
  }

  const read = async (id: string) => (await ask<CharterRequest>('GET', `${PATH}/${id}`)).body;
  async function until(id: string, status: string): Promise<CharterRequest> {
    await eventually(async () => expect((await read(id)).status).toBe(status), 30_000);
    return read(id);
  }
  const mails = () =>
    server.app.get(Database, { strict: false }).query.select().from(mailOutbox).orderBy(mailOutbox.createdAt);

  it('goes from plain words to one mail with ranked offers, each step of it to be seen', async () => {
    const { status, headers, body } = await ask<CharterRequest>('POST', PATH, { message: WHOLE });
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(body.links.self);
    expect(body).toMatchObject({ status: 'received', questions: [], proposal: null });
    const done = await until(body.requestId, 'proposed');
    expect(done).toMatchObject({
      provider: 'embedded',
      clientEmail: 'ada@example.org',
      request: {
        passengers: 6,
        legs: [{ departure: { airport: 'KTEB' } }, { departure: { airport: 'KVNY' } }],
      },
      error: null,
    });
    expect(done.proposal?.options.map(({ rank }) => rank)).toEqual([1, 2, 3, 4, 5]);
    expect(done.tookMs).toBeGreaterThan(0);
    await eventually(async () => expect(await mails()).toHaveLength(1), 10_000);
    const [mail] = await mails();
    expect(mail).toMatchObject({ recipients: ['ada@example.org'], jobId: done.proposal?.emailJobId });
    expect(mail?.subject).toContain('KTEB');
    expect(mail?.text).toContain(done.proposal?.options[0]?.summary.slice(0, 20));

    const flow = await ask<Record<string, unknown>>('GET', done.links.flow);
    expect(flow.body).toMatchObject({
      key: body.requestId,
      state: 'completed',
      progress: 100,
      ignoredFailures: [],
      root: {
        type: 'communication-job',
        state: 'completed',
        children: [
          {
            type: 'proposal-analysis-job',
            state: 'completed',
            onFailure: 'fails-parent',
            children: [
              { type: 'client-data-job', state: 'completed', onFailure: 'degrades-parent' },
              { type: 'flight-search-job', state: 'completed', onFailure: 'fails-parent' },
            ],
          },
        ],
      },
    });
    expect((await ask('GET', `/api/flows/${body.requestId}`)).body).toEqual(flow.body);
    const id = done.links.flow.split('/').at(-1) ?? '';
    const board = `/admin/queues/api/queues/communication/${id}`;
    const graph = await ask('GET', `${board}/flow`);
    expect(JSON.stringify(graph.body)).toMatch(/communication-job.*proposal-analysis-job.*flight-search-job/);
    const job = await ask<Record<string, unknown>>('GET', done.links.job);
    expect(job.body).toMatchObject({
      state: 'completed',
      progress: { percent: 100 },
      result: {
        success: true,
        requestId: body.requestId,
        nextSteps: ['flight-search', 'client-data'],
      },
    });
    const client = await ask<{ items: object[] }>('GET', '/api/clients?email=Ada@Example.org');
    expect(client.body.items).toMatchObject([{ email: 'ada@example.org', requestCount: 1 }]);
    const figures = await ask('GET', `${PATH}/stats`);
    expect(figures.body).toMatchObject({
      counts: { proposed: 1 },
      proposals: 1,
      withinTarget: 1,
      targetMs: 300_000,
    });
  }, 60_000);

  it('is the same request when it is sent again with its key', async () => {
    const headers = { 'idempotency-key': 'one-charter' };
    const first = await ask<CharterRequest>('POST', PATH, { message: 'To Miami' }, headers);
    const second = await ask<CharterRequest>('POST', PATH, { message: 'To Miami' }, headers);
    expect(second.body.requestId).toBe(first.body.requestId);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
  });

  it('asks for what is missing, goes on with the answers, and refuses others', async () => {
    const { body } = await ask<CharterRequest>('POST', PATH, {
      message: 'Flight from Teterboro to Van Nuys please',
      clientName: 'Grace',
    });
    const asking = await until(body.requestId, 'needs_information');
    expect(asking.questions.map(({ field }) => field).sort()).toEqual([
      'clientEmail',
      'legs[0].date',
      'passengers',
    ]);
    const refused = await ask<{ code: string; errors: object[] }>('POST', body.links.answers, {
      answers: [{ field: 'budget', answer: '5' }],
    });
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'validation_failed', errors: [{ pointer: '#/answers/0/field' }] },
    });
    const some = await ask('POST', body.links.answers, {
      answers: [
        { field: 'passengers', answer: '6' },
        { field: 'clientEmail', answer: 'grace@example.org' },
      ],
    });
    expect(some.status).toBe(202);
    const still = await until(body.requestId, 'needs_information');
    expect(still.questions.map(({ field }) => field)).toEqual(['legs[0].date']);
    await ask('POST', body.links.answers, { answers: [{ field: 'legs[0].date', answer: '3 May 2031' }] });
    const done = await until(body.requestId, 'proposed');
    expect(done).toMatchObject({
      clientEmail: 'grace@example.org',
      request: { passengers: 6, legs: [{ date: '2031-05-03' }] },
    });
    const late = await ask<{ code: string }>('POST', body.links.answers, {
      answers: [{ field: 'passengers', answer: '7' }],
    });
    expect(late).toMatchObject({ status: 409, body: { code: 'charter_request_asks_nothing' } });
  }, 60_000);

  it('tells the client when nothing can fly it', async () => {
    const { body } = await ask<CharterRequest>('POST', PATH, {
      message: '400 passengers from Teterboro to Van Nuys on 14 March 2031',
      clientEmail: 'many@example.org',
    });
    const done = await until(body.requestId, 'no_offer');
    expect(done.proposal).toMatchObject({ options: [] });
    await eventually(async () => {
      const own = (await mails()).filter(({ recipients }) => recipients.includes('many@example.org'));
      expect(own.map(({ subject }) => subject)).toEqual([expect.stringContaining('No aircraft found')]);
    }, 10_000);
  }, 60_000);

  it('is followed as it goes on, to its end and not beyond', async () => {
    await ask('POST', '/api/queues/flight-search/pause', { reason: 'so that somebody can watch' });
    const { body } = await ask<CharterRequest>('POST', PATH, { message: WHOLE });
    const searching = await until(body.requestId, 'searching');
    const headers = { authorization: `Bearer ${KEY}` };
    const follower = await Follower.open(`${server.url}${searching.links.events}`, headers);
    await eventually(() => expect(follower.names()).toContain('snapshot'), 5_000);
    await ask('POST', '/api/queues/flight-search/resume', {});
    await follower.done;
    expect(follower.names().at(-1)).toBe('end');
    expect(follower.names()).toContain('state');
    expect(follower.events.at(-1)?.data).toEqual({ state: 'completed' });
    const again = await ask('GET', searching.links.events, undefined, {
      'last-event-id': follower.events.at(-1)?.id ?? '',
    });
    expect(again.status).toBe(204);
  }, 60_000);

  it('is cancelled with everything that waits or runs for it, and nobody is written to', async () => {
    await ask('POST', '/api/queues/flight-search/pause', { reason: 'so that it can be cancelled' });
    const { body } = await ask<CharterRequest>('POST', PATH, {
      message: '2 people from Teterboro to Van Nuys on 14 March 2031',
      clientEmail: 'never@example.org',
    });
    const searching = await until(body.requestId, 'searching');
    const root = searching.links.flow.split('/').at(-1) ?? '';
    const alone = await ask<{ code: string }>('DELETE', `/api/queue/jobs/${root}`);
    expect(alone).toMatchObject({ status: 409, body: { code: 'flow_member', flowId: root } });
    const onBoard = `/admin/queues/api/queues/communication/${root}/remove-unprocessed-children`;
    expect((await ask('PUT', onBoard, {})).status).toBe(409);
    const cancelled = await ask<CharterRequest>('POST', body.links.cancel, { reason: 'changed my mind' });
    expect(cancelled).toMatchObject({ status: 202, body: { status: 'cancelled' } });
    await ask('POST', '/api/queues/flight-search/resume', {});
    expect((await ask<{ state: string }>('GET', searching.links.flow)).body.state).toBe('cancelled');
    expect((await ask('POST', body.links.cancel, {})).status).toBe(409);
    const own = await server.app
      .get(Database, { strict: false })
      .query.select()
      .from(mailOutbox)
      .where(eq(mailOutbox.recipients, ['never@example.org']));
    expect(own).toEqual([]);
  }, 60_000);

  it('is not there for another tenant, and shows nothing of a person to whoever may see no payloads', async () => {
    const { body } = await ask<CharterRequest>('POST', PATH, { message: WHOLE });
    const done = await until(body.requestId, 'proposed');
    const foreign = { authorization: `Bearer ${stranger}` };
    expect((await ask('GET', body.links.self, undefined, foreign)).status).toBe(404);
    expect((await ask('GET', done.links.flow, undefined, foreign)).status).toBe(404);
    const masked = await ask<CharterRequest>('GET', body.links.self, undefined, {
      authorization: `Bearer ${viewer}`,
    });
    expect(masked.status).toBe(200);
    expect(JSON.stringify(masked.body)).not.toMatch(/ada@example|Teterboro|KTEB/);
  }, 60_000);

  it.each([
    [{}, 422],
    [{ message: '' }, 422],
    [{ message: 'x'.repeat(10_001) }, 422],
    [{ message: 'a\u0000b' }, 422],
    [{ message: 'half \ud800' }, 422],
    [{ message: 'x', timeZone: 'Mars/Olympus' }, 422],
    [{ message: 'x', clientEmail: 'nobody' }, 422],
    [{ message: 'x', priority: 'now' }, 422],
    [{ message: 'x', wings: 2 }, 400],
  ])('refuses %j', async (wish, status) => {
    expect((await ask('POST', PATH, wish)).status).toBe(status);
  });
});
