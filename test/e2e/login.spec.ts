import { RawClient, type RawAnswer } from '../support/raw-client';
import { AuthorizationScene, BOOTSTRAP_KEY } from '../support/authorization-scene';

const BOARD = '/admin/queues';
const page = { accept: 'text/html' };
const sameSite = { 'sec-fetch-site': 'same-origin' };

function form(fields: Record<string, string>): { headers: Record<string, string>; body: string } {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return {
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
    body: `${parts.join('')}--x--\r\n`,
  };
}

describe('the log-in', () => {
  let scene: AuthorizationScene;
  let client: RawClient;
  beforeAll(async () => {
    scene = await AuthorizationScene.start();
    client = new RawClient(scene.server.url);
  });
  afterAll(async () => {
    client.close();
    await scene.server.close();
  });

  const logIn = (key: string, headers: Record<string, string> = sameSite, next = '/docs') => {
    const sent = form({ key, next });
    return client.call('/ui/login', {
      method: 'POST',
      body: sent.body,
      headers: { ...sent.headers, ...headers },
    });
  };
  const cookieOf = ({ headers }: RawAnswer) => ({ cookie: headers['set-cookie']?.[0]?.split(';')[0] ?? '' });
  const session = async (key: string) => cookieOf(await logIn(key));

  it('takes a browser from any page there, and back with a session', async () => {
    const away = await client.call(`${BOARD}/queue/default?page=2`, { headers: page });
    expect([away.status, away.headers.location]).toEqual([
      303,
      '/ui/login?next=%2Fadmin%2Fqueues%2Fqueue%2Fdefault%3Fpage%3D2',
    ]);
    const asked = await client.call(away.headers.location ?? '');
    expect(asked.text).toContain('value="/admin/queues/queue/default?page=2"');
    const back = await logIn(BOOTSTRAP_KEY, sameSite, `${BOARD}/queue/default?page=2`);
    expect([back.status, back.headers.location]).toEqual([303, `${BOARD}/queue/default?page=2`]);
    const cookie = back.headers['set-cookie']?.[0] ?? '';
    expect(cookie).toMatch(
      /^holdfast_session=[\w-]{43}\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Expires=/,
    );
    expect(cookie).not.toContain(BOOTSTRAP_KEY);
    for (const path of [BOARD, `${BOARD}/api/queues`, '/docs', '/openapi.json', '/api/queue/stats']) {
      expect([path, (await client.call(path, { headers: cookieOf(back) })).status]).toEqual([path, 200]);
    }
  });

  it('has a page that needs no script and loads nothing, and nobody may keep or frame it', async () => {
    const { text, headers } = await client.call('/ui/login?next=%22%3E%3Cscript%3Ealert(1)%3C/script%3E');
    expect(text).not.toMatch(/<script|\bon\w+=|(?:src|href)="(?:https?:)?\/\//i);
    expect(text).toContain('enctype="multipart/form-data"');
    expect(headers['cache-control']).toBe('no-store');
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'$/,
    );
  });

  it.each(['https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)'])(
    'sends nobody to %s afterwards',
    async (next) => {
      expect((await logIn(BOOTSTRAP_KEY, sameSite, next)).headers.location).toBe(BOARD);
    },
  );

  it('refuses a wrong key in words, and gives no cookie', async () => {
    for (const key of ['', 'wrong', `${scene.ids.key}.${'x'.repeat(43)}`]) {
      const answer = await logIn(key);
      expect([key, answer.status, answer.headers['set-cookie']]).toEqual([key, 401, undefined]);
      expect(answer.text).toContain('role="alert"');
    }
  });

  it('takes no form of another site, and nothing but a form', async () => {
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ] as Record<string, string>[]) {
      expect((await logIn(BOOTSTRAP_KEY, headers)).status).toBe(403);
    }
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/json']) {
      const headers = { ...sameSite, 'content-type': type };
      const answer = await client.call('/ui/login', { method: 'POST', headers, body: '{"key":"x"}' });
      expect([type, answer.status]).toEqual([type, 415]);
    }
    const long = await logIn('x'.repeat(5_000));
    expect(long.status).toBeLessThan(500);
  });

  it('lets a session change something only from a page of this server', async () => {
    const cookie = await session(BOOTSTRAP_KEY);
    const pause = (headers: Record<string, string>) =>
      client.call(`${BOARD}/api/queues/default/pause`, { method: 'PUT', headers: { ...cookie, ...headers } });
    expect((await pause({})).status).toBe(403);
    expect((await pause({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await pause({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await pause(sameSite)).status).toBe(200);
    const resume = { method: 'PUT', headers: { ...cookie, origin: scene.server.url } };
    expect((await client.call(`${BOARD}/api/queues/default/resume`, resume)).status).toBe(200);
  });

  it('shows a viewer the board without letting them touch it, and an operator acts', async () => {
    const put = async (role: 'viewer' | 'operator' | 'admin', path: string) => {
      const headers = { ...(await session(await scene.key({ role }))), ...sameSite };
      expect((await client.call(`${BOARD}/api/queues`, { headers })).status).toBe(200);
      return (await client.call(`${BOARD}/api/queues/default/${path}`, { method: 'PUT', headers })).status;
    };
    expect(await put('viewer', 'pause')).toBe(403);
    expect(await put('operator', 'pause')).toBe(200);
    expect(await put('operator', 'resume')).toBe(200);
    expect(await put('operator', 'clean/delayed')).toBe(403);
    expect(await put('admin', 'clean/delayed')).toBe(200);
  });

  it('ends a session by the log-out, for good', async () => {
    const cookie = await session(await scene.key({ role: 'viewer', name: 'Vera <b>' }));
    const inside = await client.call('/ui/login', { headers: cookie });
    expect(inside.text).toContain('Vera &lt;b&gt;');
    const { headers, body } = form({ leave: 'yes' });
    const out = await client.call('/ui/logout', {
      method: 'POST',
      body,
      headers: { ...headers, ...cookie, ...sameSite },
    });
    expect(out.status).toBe(303);
    expect(out.headers['set-cookie']?.[0]).toContain('Max-Age=0');
    expect((await client.call(`${BOARD}/api/queues`, { headers: cookie })).status).toBe(401);
  });

  it('ends a session with its key', async () => {
    const key = await scene.key({ role: 'viewer' });
    const cookie = await session(key);
    expect((await client.call(`${BOARD}/api/queues`, { headers: cookie })).status).toBe(200);
    const kid = key.split('.')[0] ?? '';
    const admin = { authorization: `Bearer ${BOOTSTRAP_KEY}` };
    await client.call(`/api/keys/${kid}/revoke?reason=of-a-test`, { method: 'POST', headers: admin });
    expect((await client.call(`${BOARD}/api/queues`, { headers: cookie })).status).toBe(401);
  });

  it('believes no cookie that was changed, doubled, or sent beside a wrong key', async () => {
    const { cookie } = await session(BOOTSTRAP_KEY);
    const value = cookie.split('=')[1] ?? '';
    const other = value.startsWith('A') ? `B${value.slice(1)}` : `A${value.slice(1)}`;
    const attempts: Record<string, string>[] = [
      { cookie: `holdfast_session=${other}` },
      { cookie: `${cookie}; holdfast_session=${other}` },
      { cookie: `__Host-${cookie}` },
      { cookie, authorization: 'Bearer wrong' },
    ];
    for (const headers of attempts) {
      expect((await client.call('/api/queue/stats', { headers })).status).toBe(401);
    }
  });
});
