import { link, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { Database } from '../../src/platform/database/database.service';
import { FileCleaner } from '../../src/platform/files/file-cleaner.service';
import { storedFiles } from '../../src/platform/files/files.tables';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

const ADMIN = 'a-key-of-the-files-spec';
const FILES = '/api/files';
const because = '?reason=of a test';

interface FileBody {
  readonly id: string;
  readonly code?: string;
  readonly errors?: { pointer: string }[];
  readonly [member: string]: unknown;
}

describe('a stored file', () => {
  let server: TestServer;
  let viewer: string;
  let stranger: string;

  beforeAll(async () => {
    server = await startTestServer({
      ROLE: 'api',
      HOLDFAST_BOOTSTRAP_KEY: ADMIN,
      FILE_MAX_BYTES: '100000',
      FILE_TENANT_BYTES: '1000000',
    });
    viewer = await keyOf({ role: 'viewer' });
    stranger = await keyOf({ role: 'admin', tenant: 'acme' });
  });
  afterAll(() => server.close());

  async function keyOf(wish: object): Promise<string> {
    const body = JSON.stringify({ name: 'of a test', ...wish });
    const headers = { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' };
    const answer = await fetch(`${server.url}/api/keys`, { method: 'POST', headers, body });
    return ((await answer.json()) as { key: string }).key;
  }

  const ask = (path: string, init: RequestInit = {}, key = ADMIN) =>
    fetch(`${server.url}${path}`, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${key}` },
    });

  const upload = async (content: string, name = 'note.txt', headers = {}, key = ADMIN) => {
    const form = new FormData();
    form.append('file', new Blob([content], { type: 'text/plain' }), name);
    const answer = await ask(FILES, { method: 'POST', body: form, headers }, key);
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as FileBody };
  };

  const statusOf = async (path: string, init: RequestInit = {}, key = ADMIN) =>
    (await ask(path, init, key)).status;

  const folder = () => join(server.settings.home, 'storage', 'files', 'default');
  const blobs = async () =>
    (await readdir(folder()).catch((): string[] => [])).toSorted((a, b) => a.localeCompare(b));
  const records = (id: string) =>
    server.app.get(Database).query.select().from(storedFiles).where(eq(storedFiles.id, id));

  it('comes back byte by byte, whole and in parts, under its name and to be saved only', async () => {
    const { status, headers, body } = await upload('<script>0123456789', "../ä 'x'.html");
    expect([status, headers.get('location')]).toEqual([201, `${FILES}/${body.id}`]);
    expect(body).toMatchObject({ name: "ä 'x'.html", contentType: 'text/plain', bytes: 18, jobId: null });
    expect(await (await ask(`${FILES}/${body.id}`)).json()).toEqual(body);

    const path = `${FILES}/${body.id}/content`;
    const whole = await ask(path);
    expect(await whole.text()).toBe('<script>0123456789');
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-disposition': `attachment; filename="_x_.html"; filename*=UTF-8''%C3%A4%20%27x%27.html`,
      'x-content-type-options': 'nosniff',
      etag: `"${String(body['sha256'])}"`,
    });
    const part = await ask(path, { headers: { range: 'bytes=8-10' } });
    expect([part.status, await part.text()]).toEqual([206, '012']);
    expect(await statusOf(path, { headers: { range: 'bytes=18-' } })).toBe(416);
    const head = await ask(path, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '18']);
  });

  it('belongs to its tenant, and its bytes to whoever may see payloads', async () => {
    const { body } = await upload('secret');
    const path = `${FILES}/${body.id}`;
    expect([
      await statusOf(path, {}, viewer),
      await statusOf(`${path}/content`, {}, viewer),
      await statusOf(path + because, { method: 'DELETE' }, viewer),
      await statusOf(path, {}, stranger),
      await statusOf(`${path}/content`, {}, stranger),
      await statusOf(path + because, { method: 'DELETE' }, stranger),
    ]).toEqual([200, 403, 403, 404, 404, 404]);
    const theirs = (await (await ask(FILES, {}, stranger)).json()) as { items: unknown[] };
    expect(theirs.items).toEqual([]);
    expect(await statusOf(path + because, { method: 'DELETE' })).toBe(204);
    expect([await statusOf(path), await statusOf(path + because, { method: 'DELETE' })]).toEqual([404, 404]);
  });

  it('is listed newest first, page after page', async () => {
    const ids: string[] = [];
    for (const name of ['one', 'two', 'three']) ids.unshift((await upload(name, name)).body.id);
    const first = (await (await ask(`${FILES}?limit=2`)).json()) as {
      items: FileBody[];
      next_cursor: string;
    };
    const rest = (await (await ask(`${FILES}?limit=1&cursor=${first.next_cursor}`)).json()) as typeof first;
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(ids);
    expect(await statusOf(`${FILES}?cursor=x`)).toBe(400);
  });

  it('is stored once when its upload is repeated under one key', async () => {
    const key = { 'idempotency-key': 'the same upload' };
    const first = await upload('abc', 'a.txt', key);
    const again = await upload('abc', 'a.txt', key);
    expect([again.status, again.body.id, again.headers.get('idempotency-replayed')]).toEqual([
      201,
      first.body.id,
      'true',
    ]);
    const other = await upload('abd', 'a.txt', key);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_conflict']);
  });

  it('leaves nothing behind when it is refused or breaks off', async () => {
    const before = await blobs();
    const refused = await Promise.all([upload('x'.repeat(100_001)), upload('')]);
    expect(refused.map(({ status, body }) => [status, body.code])).toEqual([
      [413, 'file_too_large'],
      [422, 'upload_invalid'],
    ]);
    const form = new FormData();
    form.append('file', new Blob(['kept?']), 'a.txt');
    form.append('colour', 'blue');
    const unknown = await ask(FILES, { method: 'POST', body: form });
    expect([unknown.status, ((await unknown.json()) as FileBody).errors?.[0]?.pointer]).toEqual([
      400,
      '#/colour',
    ]);
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(
      `POST ${FILES} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN}\r\ncontent-length: 5000\r\n` +
        'content-type: multipart/form-data; boundary=b\r\n\r\n' +
        '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nhalf of it',
    );
    await eventually(async () => expect(await blobs()).not.toEqual(before));
    socket.destroy();
    await eventually(async () => expect(await blobs()).toEqual(before));
  });

  it('is refused while its tenant keeps too much, and taken again once there is room', async () => {
    const { query } = server.app.get(Database);
    const { body } = await upload('large');
    await query.update(storedFiles).set({ bytes: 999_000 }).where(eq(storedFiles.id, body.id));
    expect((await upload('y'.repeat(2_000))).body).toMatchObject({ status: 507, code: 'file_quota_reached' });
    expect((await upload('y'.repeat(2_000), 'y', {}, stranger)).status).toBe(201);
    expect(await statusOf(`${FILES}/${body.id}${because}`, { method: 'DELETE' })).toBe(204);
    expect((await upload('y'.repeat(2_000))).status).toBe(201);
  });

  it('expires, and so do bytes that nobody has recorded', async () => {
    const { body } = await upload('old');
    const { query } = server.app.get(Database);
    await query
      .update(storedFiles)
      .set({ expiresAt: new Date(0) })
      .where(eq(storedFiles.id, body.id));
    expect(await statusOf(`${FILES}/${body.id}`)).toBe(404);
    const cleaner = server.app.get(FileCleaner);
    expect(await cleaner.removeExpired()).toBe(1);
    expect(await records(body.id)).toEqual([]);

    const before = await blobs();
    await writeFile(join(folder(), 'file_nobody.part'), 'x');
    expect([await cleaner.removeOrphans(60_000), await cleaner.removeOrphans(-60_000)]).toEqual([0, 1]);
    expect(await blobs()).toEqual(before);
  });

  it('is gone when a link or a second name lies in its place, whatever that leads to', async () => {
    const outside = join(server.settings.home, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'secret'), 'secret');
    const { body } = await upload('mine');
    const [record] = await records(body.id);
    const path = join(folder(), record!.blob);
    for (const put of [symlink, link]) {
      await rm(path);
      await put(join(outside, 'secret'), path);
      const answer = await ask(`${FILES}/${body.id}/content`);
      expect([answer.status, ((await answer.json()) as FileBody).code]).toEqual([410, 'file_gone']);
    }
  });
});
