import { eq } from 'drizzle-orm';
import { Database } from '../../src/platform/database/database.service';
import { mailOutbox } from '../../src/workloads/tasks/mail.tables';
import { Follower } from '../support/event-follower';
import { eventually } from '../support/eventually';
import { ServerProcess } from '../support/process';
import { startTestServer, type TestServer } from '../support/server';

const ADMIN = 'a-key-of-the-notifications-spec';
const PATH = '/api/notifications';

interface Notification {
  readonly id: string;
  readonly title: string;
  readonly read: boolean;
  readonly metadata: unknown;
}
interface List {
  readonly items: Notification[];
  readonly unread: number;
  readonly next_cursor: string | null;
}

interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

describe('a USER_NOTIFICATION that is ordered over HTTP', () => {
  let server: TestServer;
  let worker: ServerProcess;
  const followers: Follower[] = [];
  const keys = { acme: '', masked: '', producer: '' };

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: ADMIN });
    const { home, REDIS_URL = '', REDIS_PREFIX, DATABASE_URL = '' } = server.settings;
    worker = await ServerProcess.start({
      ROLE: 'worker',
      WORKER_QUEUES: 'user-notification,email,data-export',
      HOLDFAST_HOME: home,
      LOG_LEVEL: 'silent',
      REDIS_URL,
      REDIS_PREFIX,
      DATABASE_URL,
    });
    const keyOf = async (wish: object) => {
      const { body } = await ask<{ key: string }>('POST', '/api/keys', { name: 'of a test', ...wish });
      return body.key;
    };
    keys.acme = await keyOf({ role: 'admin', tenant: 'acme' });
    keys.masked = await keyOf({ role: 'viewer' });
    keys.producer = await keyOf({ role: 'producer' });
  });
  afterAll(async () => {
    followers.forEach((follower) => follower.close());
    worker.signal('SIGKILL');
    await server.close();
  });

  async function ask<T>(method: string, path: string, body?: object, key = ADMIN): Promise<Answer<T>> {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        prefer: 'wait=20',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: (text ? JSON.parse(text) : {}) as T };
  }
  const notify = async (userId: string, title: string, more: object = {}) => {
    const data = { userId, title, body: 'What there is\nto say', type: 'info', ...more };
    const { status, body } = await ask<{ state: string; result: { notificationId: string } }>(
      'POST',
      '/api/queue/jobs',
      { type: 'USER_NOTIFICATION', data },
    );
    expect([status, body.state]).toEqual([200, 'completed']);
    return body.result.notificationId;
  };
  const list = async (query: string, key = ADMIN) =>
    (await ask<List>('GET', `${PATH}?${query}`, undefined, key)).body;
  const follow = async (userId: string, headers: Record<string, string> = {}, key = ADMIN) => {
    const follower = await Follower.open(`${server.url}${PATH}/events?userId=${userId}`, {
      authorization: `Bearer ${key}`,
      ...headers,
    });
    followers.push(follower);
    return follower;
  };
  const titles = (follower: Follower) =>
    follower.events.filter(({ event }) => event === 'notification').map(({ data }) => data['title']);

  it('is listed newest first, in pages, and read, marked and deleted', async () => {
    const ids: string[] = [];
    for (const title of ['one', 'two', 'three']) ids.push(await notify('ada', title));
    const first = await ask<List>('GET', `${PATH}?userId=ada&limit=2`);
    expect(first.body.items.map(({ title }) => title)).toEqual(['three', 'two']);
    expect(first.body.unread).toBe(3);
    expect(first.headers.get('link')).toBe(
      `<${PATH}?limit=2&userId=ada&cursor=${first.body.next_cursor}>; rel="next"`,
    );
    const second = await list(`userId=ada&limit=2&cursor=${first.body.next_cursor}`);
    expect([second.items.map(({ id }) => id), second.next_cursor]).toEqual([[ids[0]], null]);

    const read = await ask<Notification & { readAt: string }>('POST', `${PATH}/${ids[1]}/read`, {});
    expect([read.status, read.body.read]).toEqual([200, true]);
    const again = await ask<{ readAt: string }>('POST', `${PATH}/${ids[1]}/read`);
    expect(again.body.readAt).toBe(read.body.readAt);
    expect((await list('userId=ada&unread=true')).items.map(({ id }) => id)).toEqual([ids[2], ids[0]]);
    expect((await list('userId=ada&unread=false')).items.map(({ id }) => id)).toEqual([ids[1]]);
    await ask('POST', `${PATH}/${ids[1]}/unread`, {});
    const some = await ask('POST', `${PATH}/read-all`, { userId: 'ada', upTo: ids[1] });
    expect(some.body).toEqual({ userId: 'ada', marked: 2, unread: 1 });
    const rest = await ask('POST', `${PATH}/read-all`, { userId: 'ada' });
    expect(rest.body).toEqual({ userId: 'ada', marked: 1, unread: 0 });
    expect((await ask('POST', `${PATH}/read-all`, { userId: 'bob', upTo: ids[1] })).status).toBe(404);

    expect((await ask('DELETE', `${PATH}/${ids[1]}`)).status).toBe(204);
    expect((await ask('GET', `${PATH}/${ids[1]}`)).status).toBe(404);
    expect((await ask('DELETE', `${PATH}/${ids[1]}`)).status).toBe(404);
  });

  it('is nobody’s of another tenant, and shows nothing without payloads:read', async () => {
    const id = await notify('carol', 'a secret', { metadata: { link: '/7' } });
    expect(await list('userId=carol', keys.acme)).toEqual({ items: [], unread: 0, next_cursor: null });
    for (const [method, path] of [
      ['GET', id],
      ['POST', `${id}/read`],
      ['POST', `${id}/unread`],
      ['DELETE', id],
    ] as const) {
      const { status } = await ask(method, `${PATH}/${path}`, undefined, keys.acme);
      expect([method, path, status]).toEqual([method, path, 404]);
    }
    const foreign = await follow('carol', {}, keys.acme);
    await eventually(async () => expect(foreign.names()).toEqual(['snapshot']));
    expect(foreign.events[0]!.data).toEqual({ userId: 'carol', unread: 0, items: [] });

    const [shown] = (await list('userId=carol', keys.masked)).items;
    expect(shown).toMatchObject({ id, title: '•••', body: '•••', metadata: '•••', read: false });
    const blind = await follow('carol', {}, keys.masked);
    await eventually(async () => expect(blind.names()).toContain('snapshot'));
    await notify('carol', 'another secret');
    await eventually(async () => expect(titles(blind)).toEqual(['•••']));
    expect(JSON.stringify(blind.events)).not.toContain('secret');
    expect(foreign.names()).toEqual(['snapshot']);
    expect((await ask('POST', `${PATH}/${id}/read`, {}, keys.masked)).status).toBe(403);
    const marked = await ask<Notification>('POST', `${PATH}/${id}/read`, {}, keys.producer);
    expect([marked.status, marked.body.title, marked.body.read]).toEqual([200, '•••', true]);
  });

  it('reaches whoever follows, and after a break everything since the last event that was seen', async () => {
    await notify('dave', 'before');
    const follower = await follow('dave');
    expect([follower.status, follower.contentType]).toEqual([200, 'text/event-stream; charset=utf-8']);
    await eventually(async () => expect(follower.names()).toEqual(['snapshot']));
    expect(follower.events[0]!.data).toMatchObject({ unread: 1, items: [{ title: 'before' }] });
    expect(follower.events[0]!.id).toMatch(/^\d+$/);

    const live = await notify('dave', 'live');
    await eventually(async () => expect(follower.names()).toEqual(['snapshot', 'notification', 'unread']));
    expect(follower.events[1]!.data).toMatchObject({ id: live, title: 'live', read: false });
    expect(follower.events[2]!.data).toEqual({ userId: 'dave', unread: 2 });
    const lastEventId = follower.events.at(-1)!.id!;
    follower.close();
    await follower.done;

    // More than a page of what is told at once, and one change of many under one version.
    const missed = Array.from({ length: 23 }, (_one, turn) => `missed ${turn + 1}`);
    for (const title of missed) await notify('dave', title);
    const back = await follow('dave', { 'last-event-id': lastEventId });
    await eventually(async () => expect(back.names()).toContain('unread'), 10_000);
    expect(back.names()[0]).toBe('snapshot');
    expect(back.events[0]!.id).toBeUndefined();
    expect(titles(back)).toEqual(missed);
    back.close();

    await ask('POST', `${PATH}/read-all`, { userId: 'dave' });
    const later = await follow('dave', { 'last-event-id': back.events.at(-1)!.id! });
    await eventually(async () => expect(later.names()).toContain('unread'), 10_000);
    const told = later.events.filter(({ event }) => event === 'notification');
    expect(told.map(({ data }) => data['read'])).toEqual(Array.from({ length: 25 }, () => true));
    // A place in the middle of it would leave the rest out.
    expect(told.filter(({ id }) => id !== undefined)).toHaveLength(1);
    expect(told.at(-1)!.id).toBe(later.events.at(-1)!.id);

    const stranger = await follow('dave', { 'last-event-id': '999999999999999' });
    await eventually(async () => expect(stranger.names()).toContain('snapshot'));
    expect(stranger.events[0]!.id).toBe(later.events.at(-1)!.id);
    await ask('DELETE', `${PATH}/${live}`);
    await eventually(async () => expect(stranger.names()).toEqual(['snapshot', 'unread']));
  });

  it('is sent by mail once where that is asked for', async () => {
    await notify('erin', 'By <mail>', { channels: ['email'], email: 'erin@example.org' });
    const { query } = server.app.get(Database);
    await eventually(async () => {
      expect(await query.select().from(mailOutbox).where(eq(mailOutbox.subject, 'By <mail>'))).toHaveLength(
        1,
      );
    }, 20_000);
    const [mail] = await query.select().from(mailOutbox).where(eq(mailOutbox.subject, 'By <mail>'));
    expect(mail).toMatchObject({ recipients: ['erin@example.org'] });
    expect(mail!.html).toContain('<h1>By &lt;mail&gt;</h1>');
    expect(mail!.html).toContain('<p>What there is<br>to say</p>');
    expect(mail!.text).toContain('What there is\nto say');
  });

  it('can be exported', async () => {
    await notify('frank', 'of an export', { metadata: { link: '/7' } });
    const data = {
      exportType: 'csv',
      source: 'notifications',
      filters: { userId: 'frank' },
      columns: ['userId', 'title', 'type', 'metadata', 'read'],
    };
    const { body } = await ask<{ result: { links: { download: string } } }>('POST', '/api/queue/jobs', {
      type: 'DATA_EXPORT',
      data,
    });
    const file = await fetch(`${server.url}${body.result.links.download}`, {
      headers: { authorization: `Bearer ${ADMIN}` },
    });
    expect(await file.text()).toBe(
      'userId,title,type,metadata,read\nfrank,of an export,info,"{""link"": ""/7""}",false\n',
    );
  });

  it.each([
    ['', 400],
    ['userId=', 400],
    ['userId=a&unread=perhaps', 400],
    ['userId=a&cursor=nonsense', 400],
    ['userId=a%00b', 400],
  ])('answers the question "%s" with %i', async (query, status) => {
    expect((await ask('GET', `${PATH}?${query}`)).status).toBe(status);
  });

  it('names what is wrong with an order', async () => {
    const data = { userId: 'a', title: 'b', body: 'c', type: 'info', channels: ['email'] };
    const { status, body } = await ask<{ errors: { pointer: string }[] }>('POST', '/api/queue/jobs', {
      type: 'USER_NOTIFICATION',
      data,
    });
    expect([status, body.errors[0]!.pointer]).toEqual([422, '#/data/email']);
  });
});
