import { Follower } from '../support/event-follower';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';
import { ValidationClient } from '../support/validation-client';

const big = `id,name\n${'1,abcdefgh\n'.repeat(200_000)}`;

describe('the events of a validation', () => {
  let server: TestServer;
  let client: ValidationClient;

  beforeAll(async () => {
    server = await startTestServer();
    client = new ValidationClient(server.url);
  });

  afterAll(() => server.close());

  const eventsOf = (id: string) => `${server.url}/api/validations/${id}/events`;

  it('begin with a snapshot, tell every change and log line once, and end', async () => {
    const id = await client.upload(big);
    const follower = await Follower.open(eventsOf(id));
    expect(follower.contentType).toBe('text/event-stream; charset=utf-8');
    await follower.done;
    const names = follower.names();
    expect(names[0]).toBe('snapshot');
    expect(names.at(-1)).toBe('end');
    expect(follower.events[0]?.data).toMatchObject({ validationId: id, logs: expect.any(Array) });
    expect(follower.events.findLast(({ event }) => event === 'state')?.data).toMatchObject({
      status: 'completed',
    });
    expect(follower.events.at(-1)?.data).toEqual({ status: 'completed' });
    const told = follower.events.flatMap(({ event, data }) =>
      event === 'snapshot'
        ? (data['logs'] as { id: number }[])
        : event === 'log'
          ? [data as { id: number }]
          : [],
    );
    const { body } = await client.call<{ items: { id: number }[] }>(`/api/validations/${id}/logs`);
    expect(told.map((log) => log.id)).toEqual(body.items.map((log) => log.id));
  });

  it('carry the run’s version as id, and answer 204 to who has seen the end', async () => {
    const id = await client.upload('id\n1\n');
    await client.until(id, ['completed']);
    const first = await Follower.open(eventsOf(id));
    await first.done;
    expect(first.names()).toEqual(['snapshot', 'end']);
    const last = first.events.at(-1)?.id ?? '';
    expect(last).toMatch(/^\d+$/);
    expect((await Follower.open(eventsOf(id), { 'last-event-id': last })).status).toBe(204);
    expect((await Follower.open(`${eventsOf(id)}?lastEventId=${last}`)).status).toBe(204);
    const older = await Follower.open(eventsOf(id), { 'last-event-id': String(Number(last) - 1) });
    await older.done;
    expect(older.names()).toEqual(['snapshot', 'end']);
  });

  it('resume with a snapshot after a break', async () => {
    const id = await client.upload(big);
    const broken = await Follower.open(eventsOf(id));
    await eventually(() => expect(broken.names()).toContain('snapshot'), 5_000);
    const lastSeen = broken.events.findLast((event) => event.id !== undefined)?.id;
    broken.close();
    const resumed = await Follower.open(
      eventsOf(id),
      lastSeen === undefined ? {} : { 'last-event-id': lastSeen },
    );
    await resumed.done;
    expect(resumed.names()[0]).toBe('snapshot');
    expect(resumed.names().at(-1)).toBe('end');
  });

  it('are refused to who accepts no event stream, and answer HEAD without one', async () => {
    const id = await client.upload('id\n1\n');
    expect((await fetch(eventsOf(id), { headers: { accept: 'application/json' } })).status).toBe(406);
    expect((await fetch(eventsOf(id), { method: 'HEAD' })).status).toBe(200);
  });

  it('are limited in number, so that readers cannot use up the server', async () => {
    const paused = await startTestServer({ ROLE: 'api' });
    const other = new ValidationClient(paused.url);
    const id = await other.upload('id\n1\n');
    const url = `${paused.url}/api/validations/${id}/events`;
    const followers: Follower[] = [];
    for (let batch = 0; batch < 10; batch += 1) {
      followers.push(...(await Promise.all(Array.from({ length: 20 }, () => Follower.open(url)))));
    }
    expect(new Set(followers.map(({ status }) => status))).toEqual(new Set([200]));
    const refused = await other.call(`/api/validations/${id}/events`);
    expect([refused.status, refused.body['code']]).toEqual([503, 'too_many_streams']);
    followers[0]?.close();
    await eventually(async () => {
      const next = await Follower.open(url);
      followers.push(next);
      expect(next.status).toBe(200);
    }, 5_000);
    // A server that stops ends its streams, instead of waiting for its readers.
    await paused.close();
    await Promise.all(followers.map(({ done }) => done));
  });
});
