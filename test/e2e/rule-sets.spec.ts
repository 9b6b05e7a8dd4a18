import { startTestServer, type TestServer } from '../support/server';
import { ValidationClient } from '../support/validation-client';

const rules = (name: string, type = 'integer') => ({ name, columns: [{ name: 'id', type }] });

describe('stored rule sets', () => {
  let server: TestServer;
  let client: ValidationClient;

  beforeAll(async () => {
    server = await startTestServer();
    client = new ValidationClient(server.url);
  });

  afterAll(() => server.close());

  const store = (body: unknown) =>
    client.call('/api/rule-sets', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  it('are stored, read, versioned, listed and forgotten', async () => {
    const first = await store(rules('people'));
    expect([first.status, first.headers.get('location')]).toEqual([201, '/api/rule-sets/people']);
    expect(first.body).toMatchObject({ name: 'people', version: 1, definition: rules('people') });
    expect((await store(rules('people', 'string'))).body).toMatchObject({ version: 2 });
    expect((await client.call('/api/rule-sets/people')).body).toMatchObject({
      version: 2,
      definition: rules('people', 'string'),
    });
    await store(rules('orders'));
    const page = await client.call<{ items: { name: string }[] }>('/api/rule-sets?limit=1');
    expect(page.body.items.map(({ name }) => name)).toEqual(['orders']);
    const path = /^<([^>]+)>/.exec(page.headers.get('link') ?? '')?.[1] ?? '';
    expect((await client.call<{ items: { name: string }[] }>(path)).body.items[0]?.name).toBe('people');
    expect((await client.call('/api/rule-sets/people?reason=of a test', { method: 'DELETE' })).status).toBe(
      204,
    );
    expect((await client.call('/api/rule-sets/people?reason=of a test', { method: 'DELETE' })).status).toBe(
      404,
    );
    expect((await client.call('/api/rule-sets/people')).body).toMatchObject({ code: 'rule_set_not_found' });
  });

  it('are refused with a pointer to what is wrong', async () => {
    const wrong = await store(rules('bad', 'number'));
    expect(wrong.status).toBe(422);
    expect(wrong.body).toMatchObject({ code: 'rule_set_invalid', errors: [{ pointer: '#/columns/0/type' }] });
    for (const body of [null, [], 'text', {}, { name: '../x', columns: [] }]) {
      expect([body, (await store(body)).status]).toEqual([body, 422]);
    }
    for (const name of ['%00', '..%2f..', 'none']) {
      expect([name, (await client.call(`/api/rule-sets/${name}`)).status]).toEqual([name, 404]);
    }
  });

  it('do not change under a run that uses them', async () => {
    await store(rules('frozen'));
    const id = await client.upload('id\n1\n', 'frozen');
    await store(rules('frozen', 'email'));
    const run = await client.until(id, ['completed']);
    expect(run.rows).toEqual({ read: 1, valid: 1, invalid: 0 });
  });
});
