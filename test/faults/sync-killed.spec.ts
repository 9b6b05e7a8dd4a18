import { alpacaKeys, fill, startAlpacaServer, type AlpacaServer } from '../support/alpaca-server';
import { eventually } from '../support/eventually';
import { query } from './database-client';
import { FaultScene } from './fault-scene';

const ACTIVITIES = 1_250;
const endDeadlineMs = 60_000;

describe('a sync whose server is killed', () => {
  const scene = new FaultScene();
  let broker: AlpacaServer;

  beforeAll(async () => {
    broker = await startAlpacaServer();
    await scene.open();
  }, 60_000);
  afterAll(async () => {
    await scene.close();
    await broker.close();
  });

  const start = () =>
    scene.start({ OUTBOUND_ALLOW_ADDRESSES: '127.0.0.0/8', OUTBOUND_ALLOW_PORTS: String(broker.port) });
  const post = async (url: string, body?: object) => {
    const answer = await fetch(url, {
      method: 'POST',
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };

  it('is gone on with by the next one at the page where it was, and every activity is there once', async () => {
    broker.activities = Array.from({ length: ACTIVITIES }, (_, index) => fill(index));
    broker.positions = [{ symbol: 'AAPL', qty: String(ACTIVITIES), side: 'long' }];
    const first = await start();
    const connected = await post(`${first.server.url}/api/brokerage/connections`, {
      userId: 'user-1',
      name: 'Killed',
      adapter: 'alpaca',
      settings: { baseUrl: broker.url },
      credentials: alpacaKeys,
    });
    const path = `/api/brokerage/connections/${String(connected.body['id'])}`;
    // The sixth page never comes.
    let isHeld = true;
    const release: (() => void)[] = [];
    broker.before = async () => {
      if (isHeld && broker.requests.length >= 6) await new Promise<void>((resolve) => release.push(resolve));
    };
    const run = await post(`${first.server.url}${path}/sync`);
    expect(run.status).toBe(202);
    await eventually(() => expect(broker.requests).toHaveLength(6), endDeadlineMs);
    const stored = () => query(scene.databaseUrl, 'SELECT external_id FROM broker_activities');
    expect(await stored()).toHaveLength(500);
    await first.server.kill();
    isHeld = false;
    release.forEach((go) => go());
    broker.requests.length = 0;

    const second = await start();
    const read = async () =>
      (await (await fetch(`${second.server.url}${path}/runs/${String(run.body['id'])}`)).json()) as Record<
        string,
        unknown
      >;
    await eventually(async () => expect((await read())['status']).toBe('completed'), endDeadlineMs);
    expect(await read()).toMatchObject({ received: ACTIVITIES, inserted: ACTIVITIES, positions: 'matches' });
    expect(broker.requests[0]?.searchParams.get('page_token')).toBe(fill(499)['id']);
    expect(await stored()).toHaveLength(ACTIVITIES);
  }, 180_000);
});
