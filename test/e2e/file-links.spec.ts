import { eq } from 'drizzle-orm';
import { Database } from '../../src/platform/database/database.service';
import { FileLinks } from '../../src/platform/files/file-links.service';
import { Files } from '../../src/platform/files/files.service';
import { storedFiles } from '../../src/platform/files/files.tables';
import { eventually } from '../support/eventually';
import { ServerProcess } from '../support/process';
import { startTestServer, type TestServer } from '../support/server';

const ADMIN = 'a-key-of-the-file-links-spec';
const FILES = '/api/files';
const CONTENT = '<script>0123456789';

interface Body {
  readonly id: string;
  readonly url: string;
  readonly expiresAt: string;
  readonly code?: string;
  readonly errors?: { pointer: string; detail: string }[];
  readonly links: { readonly share: string };
}

interface AuditItem {
  readonly target: string;
  readonly outcome: string;
  readonly detail: unknown;
}

describe('a link to a file', () => {
  let server: TestServer;
  let viewer: string;
  let stranger: string;

  beforeAll(async () => {
    server = await startTestServer({
      ROLE: 'api',
      HOLDFAST_BOOTSTRAP_KEY: ADMIN,
      FILE_LINK_HOURS: '2',
      FILE_LINK_REQUESTS_PER_MINUTE: '0',
    });
    viewer = await keyOf({ role: 'viewer' });
    stranger = await keyOf({ role: 'admin', tenant: 'acme' });
  });
  afterAll(() => server.close());

  const ask = (path: string, init: RequestInit = {}, key = ADMIN, at = server.url) =>
    fetch(`${at}${path}`, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${key}` },
    });
  const visit = (path: string, init: RequestInit = {}) => fetch(`${server.url}${path}`, init);
  const bodyOf = async (answer: Response) => (await answer.json()) as Body;

  const posted = (body: object) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const keyOf = async (wish: object) => {
    const answer = await ask('/api/keys', posted({ name: 'of a test', ...wish }));
    return ((await answer.json()) as { key: string }).key;
  };
  const upload = async (at = server.url, key = ADMIN) => {
    const form = new FormData();
    form.append('file', new Blob([CONTENT], { type: 'text/html' }), 'ä.html');
    return bodyOf(await ask(FILES, { method: 'POST', body: form }, key, at));
  };
  const share = async ({ links }: Body, wish: object = {}) => bodyOf(await ask(links.share, posted(wish)));

  it('hands the file out without a key, whole and in parts, to be saved and by nobody kept', async () => {
    const file = await upload();
    const before = Date.now();
    const answer = await ask(file.links.share, { method: 'POST' });
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([201, 'private, no-store']);
    const { url, expiresAt } = await bodyOf(answer);
    const lifeMs = Date.parse(expiresAt) - before;
    expect(lifeMs).toBeGreaterThan(7_190_000);
    expect(lifeMs).toBeLessThanOrEqual(7_205_000);

    const whole = await visit(url);
    expect([whole.status, await whole.text()]).toEqual([200, CONTENT]);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-disposition': expect.stringMatching(/^attachment; /),
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-store',
      'referrer-policy': 'no-referrer',
    });
    const part = await visit(url, { headers: { range: 'bytes=8-10' } });
    expect([part.status, await part.text()]).toEqual([206, '012']);
    expect((await visit(url, { headers: { range: 'bytes=99-' } })).status).toBe(416);
    const head = await visit(url, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '18']);
    // A key that is wrong does not stand in the way of a link that is right.
    expect((await ask(url, {}, 'wrong')).status).toBe(200);
  });

  it('lives as long as it was made for, and says so when it is over', async () => {
    const file = await upload();
    const { expiresAt } = await share(file, { expiresInMinutes: 1 });
    expect(Date.parse(expiresAt)).toBeLessThanOrEqual(Date.now() + 60_000);
    const record = await server.app.get(Files).find(file.id, 'default');
    const old = await server.app.get(FileLinks).sign(record!, -5_000);
    const answer = await visit(
      `${FILES}/${file.id}/download?expires=${old.expires}&signature=${old.signature}`,
    );
    expect([answer.status, (await bodyOf(answer)).code]).toEqual([410, 'link_expired']);
    expect(answer.headers.get('cache-control')).toContain('no-store');

    const { code, errors } = await share(file, { expiresInMinutes: 121 });
    expect([code, errors?.[0]?.pointer]).toEqual(['validation_failed', '#/expiresInMinutes']);
    expect(errors?.[0]?.detail).toContain('FILE_LINK_HOURS');
    expect((await share(file, { expiresInMinutes: 0 })).code).toBe('validation_failed');
    expect((await share(file, { forever: true })).code).toBe('unknown_field');
  });

  it('never outlives its file, and ends with it', async () => {
    const file = await upload();
    const end = new Date(Date.now() + 600_000);
    const { query } = server.app.get(Database);
    await query.update(storedFiles).set({ expiresAt: end }).where(eq(storedFiles.id, file.id));
    const { url, expiresAt } = await share(file);
    expect(Date.parse(expiresAt)).toBeLessThanOrEqual(end.getTime());
    expect((await visit(url)).status).toBe(200);
    await ask(`${FILES}/${file.id}?reason=of a test`, { method: 'DELETE' });
    expect([(await visit(url)).status, (await ask(file.links.share, { method: 'POST' })).status]).toEqual([
      404, 404,
    ]);
  });

  it('says the same of one that is forged as of a file that never was', async () => {
    const [file, other] = [await upload(), await upload()];
    const { url } = await share(file);
    const signature = /signature=([\w-]{43})$/.exec(url)![1]!;
    const turned = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    const later = url.replace(/expires=(\d+)/, (_all, at: string) => `expires=${Number(at) + 1}`);
    const past = url.replace(/expires=\d+/, 'expires=1');
    const elsewhere = url.replace(file.id, other.id);
    const unknown = url.replace(file.id, `file_${'x'.repeat(22)}`);
    const answers = await Promise.all(
      [url.replace(signature, turned), later, past, elsewhere, unknown].map(async (path) => {
        const answer = await visit(path);
        const { code, title, detail } = (await answer.json()) as Record<string, string>;
        return [answer.status, code, title, detail];
      }),
    );
    expect(answers[0]?.slice(0, 2)).toEqual([404, 'file_not_found']);
    expect(answers).toEqual(answers.map(() => answers[0]));
    for (const path of [`${FILES}/${file.id}/download`, `${url}x`, `${url}&signature=${signature}`]) {
      expect((await visit(path)).status).toBe(400);
    }
  });

  it('is bound to the tenant of its file', async () => {
    const file = await upload();
    const { url } = await share(file);
    const { query } = server.app.get(Database);
    await query.update(storedFiles).set({ tenant: 'acme' }).where(eq(storedFiles.id, file.id));
    expect((await visit(url)).status).toBe(404);
  });

  it('is made by nobody but who may read the file, and the audit says who did', async () => {
    const file = await upload();
    const path = `${FILES}/${file.id}/links`;
    expect([
      (await visit(path, { method: 'POST' })).status,
      (await ask(path, { method: 'POST' }, viewer)).status,
      (await ask(path, { method: 'POST' }, stranger)).status,
    ]).toEqual([401, 403, 404]);
    const { expiresAt, url } = await share(file);
    // The entry is written once the answer is out.
    await eventually(async () => {
      const answer = await ask('/api/queue/audit?action=files.share&limit=200');
      const { items } = (await answer.json()) as { items: AuditItem[] };
      const made = items.find(({ target, outcome }) => target === file.id && outcome === 'done');
      expect(made?.detail).toEqual({ expiresAt });
      expect(JSON.stringify(items)).not.toContain(url.slice(-43));
    }, 10_000);
  });

  it('is as long valid as its secret, for every process that has it, and stands in no log', async () => {
    const secret = 'a secret of the file links of this spec';
    const { home, REDIS_URL = '', REDIS_PREFIX, DATABASE_URL = '' } = server.settings;
    const common = { HOLDFAST_HOME: home, REDIS_URL, REDIS_PREFIX, DATABASE_URL };
    const other = await ServerProcess.start({
      ...common,
      ROLE: 'api',
      HOLDFAST_BOOTSTRAP_KEY: ADMIN,
      LOG_LEVEL: 'trace',
      FILE_LINK_SECRET: secret,
      FILE_LINK_REQUESTS_PER_MINUTE: '4',
      PUBLIC_URL: 'https://files.example.org/',
    });
    try {
      const file = await upload();
      const here = await share(file);
      const answer = await ask(file.links.share, { method: 'POST' }, ADMIN, other.url);
      const there = (await bodyOf(answer)).url;
      expect(there).toMatch(/^https:\/\/files\.example\.org\/api\/files\/file_/);
      const path = there.slice(there.indexOf('/api/'));
      expect((await visit(path)).status).toBe(404);
      const statuses: number[] = [];
      for (const at of [path, here.url, `${path}x`, `${path}&a=1`, path, path]) {
        statuses.push((await fetch(`${other.url}${at}`)).status);
      }
      // What is malformed never comes as far as the count.
      expect(statuses).toEqual([200, 404, 400, 400, 200, 200]);
      await fetch(`${other.url}${path}`);
      const refused = await fetch(`${other.url}${path}`);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([
        429,
        expect.stringMatching(/^\d+$/),
      ]);
      other.signal('SIGTERM');
      await other.ended;
      expect(other.output).toContain('/download');
      for (const hidden of [path.slice(-43), here.url.slice(-43), secret]) {
        expect(other.output).not.toContain(hidden);
      }
    } finally {
      other.signal('SIGKILL');
      await other.ended;
    }
  });
});
