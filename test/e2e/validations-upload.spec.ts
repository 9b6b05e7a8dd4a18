import { readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { FileStorage } from '../../src/platform/storage/file-storage.service';
import { StorageFullError } from '../../src/platform/storage/storage-full.error';
import { RedisConnections } from '../../src/platform/redis/redis-connections.service';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';
import { ValidationClient } from '../support/validation-client';

const rules = { name: 'people', columns: [{ name: 'id', type: 'integer' }] };
const csv = 'id,name\n1,Ada\n';

const part = (disposition: string, content = csv, type = 'text/csv') =>
  `--b\r\nContent-Disposition: form-data; ${disposition}\r\nContent-Type: ${type}\r\n\r\n${content}\r\n--b--\r\n`;
const json = (content: string) => part('name="ruleSet"', content, 'application/json');

describe('an upload that cannot be accepted', () => {
  let server: TestServer;
  let client: ValidationClient;
  let database: Client;

  beforeAll(async () => {
    server = await startTestServer({ VALIDATION_MAX_BYTES: '300000' });
    client = new ValidationClient(server.url);
    database = new Client({ connectionString: server.settings.DATABASE_URL });
    await database.connect();
  });

  afterAll(async () => {
    await database.end();
    await server.close();
  });

  afterEach(async () => {
    await eventually(
      async () => expect(await leftovers()).toEqual({ files: [], runs: 0, promises: 0 }),
      5_000,
    );
  });

  /** Files, runs and promised jobs: what no refused upload may leave. */
  const leftovers = async () => {
    const storage = join(server.settings.home, 'storage', 'validation-uploads');
    const names = await readdir(storage, { recursive: true }).catch(() => [] as string[]);
    const { rows } = await database.query(
      'SELECT (SELECT count(*)::int FROM validation_runs) AS runs, (SELECT count(*)::int FROM outbox) AS promises',
    );
    return { files: names.filter((name) => /\.(csv|part)$/.test(name)), ...rows[0] };
  };

  const refusal = async (form: FormData) => {
    const { status, headers, body } = await client.send(form);
    expect(headers.get('content-type')).toBe('application/problem+json');
    const problem = body as unknown as { code: string; errors?: { pointer: string }[] };
    return [status, problem.code, problem.errors?.map(({ pointer }) => pointer)];
  };

  it('says which field is missing, repeated, unknown or of the wrong kind', async () => {
    const without = new FormData();
    without.append('ruleSet', JSON.stringify(rules));
    expect(await refusal(without)).toEqual([422, 'upload_invalid', ['#/file']]);

    const twice = client.form(csv);
    twice.append('file', new Blob([csv]), 'second.csv');
    expect(await refusal(twice)).toEqual([422, 'upload_invalid', ['#/file']]);

    const unknown = client.form(csv);
    unknown.append('colour', 'blue');
    expect(await refusal(unknown)).toEqual([400, 'upload_field_unknown', ['#/colour']]);

    const text = new FormData();
    text.append('file', csv);
    expect(await refusal(text)).toEqual([422, 'upload_invalid', ['#/file']]);
  });

  it('refuses an empty file at once', async () => {
    expect(await refusal(client.form(''))).toEqual([422, 'upload_invalid', ['#/file']]);
  });

  it('points into a rule set that is wrong, wherever the form has it', async () => {
    const wrong = { ...rules, columns: [{ name: 'id', type: 'number' }] };
    const before = new FormData();
    before.append('ruleSet', JSON.stringify(wrong));
    before.append('file', new Blob([csv]), 'a.csv');
    for (const form of [before, client.form(csv, wrong)]) {
      expect(await refusal(form)).toEqual([422, 'rule_set_invalid', ['#/ruleSet/columns/0/type']]);
    }
  });

  it('refuses a rule set that is no JSON, unknown, too deep or not storable', async () => {
    const nul = { ...rules, description: 'a\0b' };
    for (const ruleSet of ['{"name":', 'no-such-rules', '\u0001', JSON.stringify(nul)]) {
      const [status, , pointers] = await refusal(client.form(csv, ruleSet));
      expect([ruleSet, status, String(pointers).startsWith('#/ruleSet')]).toEqual([ruleSet, 422, true]);
    }
    expect((await refusal(client.form(csv, '['.repeat(5_000))))[0]).toBe(422);
  });

  it('refuses an earlier run that does not exist', async () => {
    const form = client.form(csv);
    form.append('previousValidationId', 'not-a-run');
    expect(await refusal(form)).toEqual([422, 'upload_invalid', ['#/previousValidationId']]);
  });

  it('answers 415 to anything but a form, and 400 to a form that breaks off', async () => {
    for (const type of ['application/json', 'text/csv', 'application/x-www-form-urlencoded']) {
      const answer = await client.call('/api/validations', {
        method: 'POST',
        headers: { 'content-type': type },
        body: '{}',
      });
      expect([type, answer.status]).toEqual([type, 415]);
    }
    expect((await client.call('/api/validations', { method: 'POST' })).status).toBe(415);
    for (const body of [
      'nonsense',
      '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx,y',
    ]) {
      const answer = await client.call('/api/validations', {
        method: 'POST',
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
        body,
      });
      expect([body, answer.status]).toEqual([body, 400]);
    }
    const noBoundary = await client.call('/api/validations', {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data' },
      body: 'x',
    });
    expect(noBoundary.status).toBe(400);
  });

  it.each([
    [
      'a boundary of 300 characters',
      'b'.repeat(300),
      part('name="file"; filename="a"'),
      400,
      'upload_malformed',
    ],
    ['a part without a name', 'b', part('filename="a"'), 400, 'upload_field_unknown'],
    [
      'deep JSON in a part of its own type',
      'b',
      json('['.repeat(9_000) + ']'.repeat(9_000)),
      422,
      'upload_invalid',
    ],
    ['a number for a rule set', 'b', json('5'), 422, 'upload_invalid'],
  ])('answers %s with a problem', async (_what, boundary, body, status, code) => {
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    const answer = await client.call('/api/validations', { method: 'POST', headers, body });
    expect([answer.status, answer.body]).toMatchObject([status, { code }]);
  });

  it('answers 415 to a compressed form, which nobody would unpack', async () => {
    const headers = { 'content-type': 'multipart/form-data; boundary=b', 'content-encoding': 'gzip' };
    const body = part('name="file"; filename="a"');
    expect((await client.call('/api/validations', { method: 'POST', headers, body })).status).toBe(415);
  });

  it('answers 413 to a file over the limit, by its length or as soon as it is reached', async () => {
    const long = Buffer.alloc(400_000, 'a,b\n');
    expect((await refusal(client.form(long))).slice(0, 2)).toEqual([413, 'file_too_large']);
    const answer = await announce(server.url, 5_000_000);
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toContain('"code":"file_too_large"');
  });

  it('keeps nothing of an upload that its client gives up', async () => {
    const socket = await begin(server.url, 200_000);
    socket.write(Buffer.alloc(100_000, 'a,b\n'));
    await eventually(async () => expect((await leftovers()).files).toHaveLength(1));
    socket.destroy();
  });

  it('answers 507 when the disk is full, before the body and in the middle of it', async () => {
    const storage = server.app.get(FileStorage);
    const room = jest.spyOn(storage, 'assertRoomFor').mockRejectedValueOnce(new StorageFullError());
    expect((await refusal(client.form(csv))).slice(0, 2)).toEqual([507, 'disk_full']);
    room.mockRestore();
    const write = jest.spyOn(storage, 'write').mockRejectedValueOnce(new StorageFullError());
    expect((await refusal(client.form(csv))).slice(0, 2)).toEqual([507, 'disk_full']);
    write.mockRestore();
  });

  it('answers 503 before the body when Redis is away', async () => {
    const redis = server.app.get(RedisConnections);
    const ready = jest.spyOn(redis, 'isReady').mockReturnValue(false);
    const answer = await announce(server.url, 200_000);
    ready.mockRestore();
    expect(answer).toMatch(/^HTTP\/1.1 503 /);
    expect(answer.toLowerCase()).toContain('retry-after: 1');
  });
});

describe('an upload that is accepted', () => {
  let server: TestServer;
  let client: ValidationClient;

  beforeAll(async () => {
    server = await startTestServer();
    client = new ValidationClient(server.url);
  });

  afterAll(() => server.close());

  it('takes rules by name, as JSON, as an attached file, before or after the file', async () => {
    const stored = await client.call('/api/rule-sets', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(rules),
    });
    expect(stored.status).toBe(201);
    const before = new FormData();
    before.append('ruleSet', 'people');
    before.append('file', new Blob([csv]), 'a.csv');
    const attached = client.form(csv);
    attached.append(
      'ruleSet',
      new Blob([JSON.stringify(rules)], { type: 'application/json' }),
      'people.rules.json',
    );
    const empty = client.form(csv, '');
    const forms = [before, attached, client.form(csv, 'people'), client.form(csv, rules)];
    for (const form of forms) {
      const { status, body } = await client.send(form);
      expect([status, (await client.read(body.validationId))['ruleSet']]).toEqual([202, 'people']);
    }
    const plain = await client.send(empty);
    expect((await client.read(plain.body.validationId))['ruleSet']).toBeNull();
  });

  it('shows the file’s name without folders, controls or more than 255 characters', async () => {
    for (const [given, shown] of [
      ['../../etc/pass\u0007wd.csv', 'passwd.csv'],
      ['C:\\data\\m\u202Eembers.csv', 'members.csv'],
      ['é'.repeat(300), 'é'.repeat(255)],
    ] as const) {
      const id = await client.upload(csv, undefined, given);
      expect((await client.read(id))['fileName']).toBe(shown);
    }
  });

  it('answers soon after the last byte', async () => {
    const body = `id,name\n${'1,abcdefghijklmnop\n'.repeat(500_000)}`;
    const id = await timed(() => client.upload(body));
    expect(id.ms).toBeLessThan(10_000);
    await client.until(id.value, ['completed'], 60_000);
  });
});

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const startedAt = performance.now();
  return { value: await work(), ms: performance.now() - startedAt };
}

/** Opens an upload and sends its first bytes; the file itself is left to the caller. */
async function begin(url: string, length: number): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.on('error', () => undefined);
  socket.write(
    `POST /api/validations HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: ${length}\r\n` +
      'Content-Type: multipart/form-data; boundary=b\r\n\r\n' +
      '--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n',
  );
  return socket;
}

/** What is answered to an upload of which nothing but the announcement was sent. */
async function announce(url: string, length: number): Promise<string> {
  const socket = await begin(url, length);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await eventually(() => expect(Buffer.concat(chunks).toString()).toContain('}'), 5_000);
  socket.destroy();
  return Buffer.concat(chunks).toString();
}
