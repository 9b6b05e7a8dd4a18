import { eventually } from '../support/eventually';
import { fails, LanguageModelServer, says } from '../support/language-model-server';
import { startTestServer, type TestServer } from '../support/server';

const KEY = 'a-key-of-the-charter-model-spec';
const MESSAGE = 'Half a dozen of us want to leave Teterboro for Van Nuys; ada@example.org';

interface CharterRequest {
  readonly requestId: string;
  readonly status: string;
  readonly provider: string | null;
  readonly usage: { readonly totalTokens?: number } | null;
  readonly request: { readonly passengers: number | null } | null;
  readonly proposal: { readonly options: object[] } | null;
}

const answer = {
  legs: [{ from: 'Teterboro', to: 'Van Nuys', date: '2031-03-14', time: 'morning' }],
  flexibleDays: 0,
  passengers: 6,
  budget: null,
  aircraftClass: null,
  clientEmail: 'ada@example.org',
  clientName: null,
  notes: [],
};

describe('a charter request that a language model reads', () => {
  const model = new LanguageModelServer();
  let server: TestServer;

  beforeAll(async () => {
    await model.start();
    server = await startTestServer({
      HOLDFAST_BOOTSTRAP_KEY: KEY,
      LLM_BASE_URL: model.baseUrl,
      LLM_API_KEY: 'a-secret-of-the-model',
      LLM_MODEL: 'reader-1',
    });
  });
  afterAll(async () => {
    await server.close();
    await model.stop();
  });

  const call = async (method: string, path: string, body?: object) => {
    const reply = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return (await reply.json()) as CharterRequest & { readonly items: { readonly recipients: string[] }[] };
  };
  const proposed = async () => {
    const { requestId } = await call('POST', '/api/charter-requests', { message: MESSAGE });
    let found: CharterRequest | undefined;
    await eventually(async () => {
      found = await call('GET', `/api/charter-requests/${requestId}`);
      expect(found.status).toBe('proposed');
    }, 30_000);
    return found!;
  };

  it('becomes a proposal, and says who has read it', async () => {
    model.reset(says(JSON.stringify(answer)));
    const found = await proposed();
    expect(found).toMatchObject({ provider: 'reader-1', request: { passengers: 6 } });
    expect(found.usage).toMatchObject({ totalTokens: 120 });
    expect(found.proposal?.options.length).toBeGreaterThan(0);
    expect(model.asked).toHaveLength(1);
    expect(model.asked[0]).toMatchObject({
      authorization: 'Bearer a-secret-of-the-model',
      body: { model: 'reader-1' },
    });
    await eventually(async () => {
      const { items } = await call('GET', '/api/mail/outbox');
      expect(items.filter(({ recipients }) => recipients.includes('ada@example.org'))).toHaveLength(1);
    }, 20_000);
  });

  it('survives an endpoint that fails, one that is busy, and an answer that is none', async () => {
    model.reset(fails(500), fails(429, { 'retry-after': '1' }), says('Sorry?'), says(JSON.stringify(answer)));
    const found = await proposed();
    expect(found).toMatchObject({ provider: 'reader-1', request: { passengers: 6 } });
    expect(model.asked.length).toBeGreaterThanOrEqual(4);
  });
});
