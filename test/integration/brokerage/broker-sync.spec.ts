import { ConnectionCredentials } from '../../../src/workloads/brokerage/connection-credentials.service';
import { ConnectionStore, type BrokerConnection } from '../../../src/workloads/brokerage/connection.store';
import type { SyncSchedule } from '../../../src/workloads/brokerage/brokerage.tables';
import { BrokerSyncProducer } from '../../../src/workloads/brokerage/broker-sync/broker-sync.producer';
import { SyncScheduler } from '../../../src/workloads/brokerage/broker-sync/sync-schedule.service';
import { newRowId } from '../../../src/workloads/brokerage/row-id';
import { SyncRequests } from '../../../src/workloads/brokerage/sync-requests.store';
import { SyncRunStore } from '../../../src/workloads/brokerage/sync-run.store';
import { JobCancellation } from '../../../src/platform/worker/job-cancellation.service';
import {
  alpacaKeys,
  cutOff,
  fill,
  halfJson,
  startAlpacaServer,
  tooManyRequests,
  unavailable,
  type AlpacaServer,
} from '../../support/alpaca-server';
import { eventually } from '../../support/eventually';
import { startBrokerage, type BrokerageScene } from './brokerage-scene';

const manual: SyncSchedule = { kind: 'manual' };

describe('broker-sync with Alpaca', () => {
  let broker: AlpacaServer;
  let scene: BrokerageScene;

  beforeAll(async () => {
    broker = await startAlpacaServer();
    scene = await startBrokerage({
      OUTBOUND_ALLOW_ADDRESSES: '127.0.0.0/8',
      OUTBOUND_ALLOW_PORTS: String(broker.port),
      WORKER_QUEUES: 'broker-sync',
    });
  });
  beforeEach(() => {
    broker.activities = [];
    broker.positions = [];
    broker.disturbances.length = 0;
    broker.requests.length = 0;
    broker.clockAheadMs = 0;
    broker.pageLimit = 100;
    broker.before = async () => undefined;
  });
  afterAll(async () => {
    await scene.close();
    await broker.close();
  });

  const connect = async (
    more: Partial<BrokerConnection> = {},
    keys: Record<string, string> = alpacaKeys,
  ): Promise<BrokerConnection> => {
    const owner = { id: newRowId(), tenant: 'default' };
    const created = await scene.app.get(ConnectionStore).create({
      ...owner,
      userId: 'user-1',
      name: 'My account',
      adapter: 'alpaca',
      settings: { baseUrl: broker.url },
      credentials: scene.app.get(ConnectionCredentials).seal(owner, keys),
      schedule: manual,
      createdBy: 'test',
      ...more,
    });
    return created!;
  };
  const start = async (connection: BrokerConnection) =>
    (await scene.app.get(SyncRequests).request(connection, 'test')).run;
  const sync = async (connection: BrokerConnection, timeoutMs?: number) => {
    const run = await start(connection);
    const job = await scene.ended(run.jobId, timeoutMs);
    return { job, run: (await scene.app.get(SyncRunStore).find(run.id, connection.id))! };
  };
  const stored = (connection: BrokerConnection) =>
    scene.rows<{ external_id: string; quantity: string }>(
      `SELECT external_id, kind, type, symbol, side, quantity, price, cash, currency, occurred_at
       FROM broker_activities WHERE source = $1 ORDER BY external_id`,
      [connection.id],
    );

  it('fetches all pages once, then only what may be new, and counts what it did', async () => {
    broker.activities = Array.from({ length: 250 }, (_, index) => fill(index));
    const connection = await connect();
    const { job, run } = await sync(connection);
    expect(job.state).toBe('completed');
    expect(job.result).toMatchObject({ outcome: 'synchronised', received: 250, inserted: 250, updated: 0 });
    expect(run).toMatchObject({ status: 'completed', pages: 4, received: 250, attempt: 1 });
    expect(await stored(connection)).toHaveLength(250);
    expect(broker.requests[0]?.searchParams.get('page_size')).toBe('100');

    broker.requests.length = 0;
    broker.activities.push(fill(300));
    expect((await sync(connection)).job.result).toMatchObject({ inserted: 1, updated: 0 });
    expect(await stored(connection)).toHaveLength(251);
    // Three days before the newest of the first time.
    expect(broker.requests[0]?.searchParams.get('after')).toBe('2023-12-29T00:04:09.000Z');
  });

  it('takes a correction of the broker over, and tells it from what is the same', async () => {
    broker.activities = [fill(1), fill(2)];
    const connection = await connect();
    await sync(connection);
    broker.activities = [fill(1), fill(2, { price: '11.5' })];
    expect((await sync(connection)).job.result).toMatchObject({ received: 2, inserted: 0, updated: 1 });
  });

  it('compares positions exactly: long, short, fractions, splits, and what only one side has', async () => {
    const other = { price: null, qty: null, side: null, transaction_time: null, net_amount: null };
    broker.activities = [
      ...Array.from({ length: 10 }, (_, index) => fill(index, { qty: '0.1', symbol: 'FRAC' })),
      fill(20, { symbol: 'SHRT', side: 'sell_short', qty: '5' }),
      fill(30, { symbol: 'SPLT', qty: '100' }),
      fill(31, { ...other, activity_type: 'SPLIT', symbol: 'SPLT', date: '2024-02-01', qty: '300' }),
      fill(40, { symbol: 'GONE', qty: '7' }),
      fill(41, { symbol: 'GONE', qty: '7', side: 'sell' }),
      fill(50, {
        ...other,
        activity_type: 'DIV',
        symbol: 'FRAC',
        date: '2024-02-02',
        qty: '1',
        net_amount: '0.51',
      }),
      fill(60, { symbol: 'OURS', qty: '0.000000000000000001' }),
    ];
    broker.positions = [
      { symbol: 'FRAC', qty: '1', side: 'long' },
      { symbol: 'SHRT', qty: '5', side: 'short' },
      { symbol: 'SPLT', qty: '400', side: 'long' },
      { symbol: 'THEIRS', qty: '-2.5', side: 'short' },
    ];
    const { run, job } = await sync(await connect());
    expect(job.result).toMatchObject({ positions: 'differs', differences: 2 });
    expect(run.reconciliation).toMatchObject({
      status: 'differs',
      symbols: 5,
      differences: [
        {
          symbol: 'OURS',
          computed: '0.000000000000000001',
          reported: '0',
          difference: '0.000000000000000001',
        },
        { symbol: 'THEIRS', computed: '0', reported: '-2.5', difference: '2.5' },
      ],
    });
    broker.positions = [
      ...broker.positions.slice(0, 3),
      { symbol: 'OURS', qty: '0.000000000000000001', side: 'long' },
    ];
    expect((await sync(await connect())).run.reconciliation).toMatchObject({ status: 'matches', symbols: 4 });
  });

  it('waits as long as the broker asks, by its own clock, without using up an attempt', async () => {
    broker.activities = [fill(1)];
    broker.clockAheadMs = 86_400_000;
    broker.disturbances.push(tooManyRequests(1), tooManyRequests(600, 1), tooManyRequests(1));
    const { job, run } = await sync(await connect());
    expect(job.state).toBe('completed');
    expect(job.attemptsMade).toBeLessThanOrEqual(1);
    expect(run).toMatchObject({ throttled: 3, inserted: 1 });
    expect(Math.abs(Number(run.clockAheadMs) - 86_400_000)).toBeLessThan(5_000);
  });

  it('gets over 5xx, half a page and half an answer, from the page where it was', async () => {
    broker.activities = Array.from({ length: 230 }, (_, index) => fill(index));
    broker.disturbances.push(undefined, unavailable, cutOff, undefined, halfJson);
    const connection = await connect();
    const { job, run } = await sync(connection);
    expect(job.state).toBe('completed');
    expect(run.received).toBe(230);
    expect(await stored(connection)).toHaveLength(230);
    // The first page was not fetched again.
    expect(broker.requests.filter(({ searchParams }) => !searchParams.has('page_token'))).toHaveLength(2);
  });

  it('ends at an empty page only, and is not led round in a circle by one that comes again', async () => {
    broker.activities = Array.from({ length: 25 }, (_, index) => fill(index));
    broker.pageLimit = 7;
    const connection = await connect();
    expect((await sync(connection)).run).toMatchObject({ pages: 5, received: 25 });

    const again = await connect();
    broker.pageLimit = 100;
    const same = broker.activities.slice(0, 10);
    const repeat: (typeof broker.disturbances)[number] = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(same));
    };
    broker.disturbances.push(repeat, repeat);
    const { job } = await sync(again);
    expect(job.state).toBe('completed');
    expect(await stored(again)).toHaveLength(25);
  });

  it('is not led astray by a moment in the future', async () => {
    broker.activities = [
      fill(1),
      fill(2, { transaction_time: '2150-01-01T00:00:00Z', id: '21500101000000000::x' }),
    ];
    const connection = await connect();
    await sync(connection);
    const cursor = (await scene.app.get(ConnectionStore).find(connection.id, 'default'))!.cursor!;
    expect(Date.parse(cursor.newest!)).toBeLessThanOrEqual(Date.now() + 1_000);
    expect(cursor.open).toBeUndefined();
  });

  it('has no hope with a wrong key, says so without showing it, and asks no more', async () => {
    const connection = await connect(
      { schedule: { kind: 'interval', everyMinutes: 15, jitterSeconds: 0 } },
      { ...alpacaKeys, secretKey: 'wrong-secret-value' },
    );
    const { job } = await sync(connection);
    expect(job.state).toBe('failed');
    expect(job.attemptsMade).toBe(1);
    expect(job.failedReason).toContain('refuses the key (403)');
    expect(JSON.stringify(job)).not.toContain('wrong-secret-value');
    await eventually(async () => {
      const [run] = await scene.app.get(SyncRunStore).list(connection.id, { limit: 1 });
      expect(run).toMatchObject({ status: 'failed', errorMessage: expect.stringContaining('403') });
    });
    expect(await scene.app.get(ConnectionStore).find(connection.id, 'default')).toMatchObject({
      isPaused: true,
      nextRunAt: null,
      pauseReason: expect.stringContaining('refuses the key'),
    });
  });

  it('keeps the keys sealed, and for their own row only', async () => {
    const [one, other] = [await connect(), await connect()];
    const [row] = await scene.rows<{ text: string }>(
      'SELECT row_to_json(c)::text AS text FROM broker_connections c WHERE id = $1',
      [one.id],
    );
    expect(row?.text).not.toContain(alpacaKeys.secretKey);
    const credentials = scene.app.get(ConnectionCredentials);
    expect(credentials.open(one)).toEqual(alpacaKeys);
    expect(() => credentials.open({ ...other, credentials: one.credentials })).toThrow('cannot be opened');
  });

  it('goes on at the page where it was cut off', async () => {
    broker.activities = Array.from({ length: 450 }, (_, index) => fill(index));
    const connection = await connect();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    broker.before = async (url) => {
      if (broker.requests.length === 3 && url.searchParams.has('page_token')) await held;
    };
    const run = await start(connection);
    await eventually(() => expect(broker.requests).toHaveLength(3), 10_000);
    await scene.app.get(JobCancellation).cancel(run.jobId, { reason: 'a test', by: 'test' });
    expect((await scene.ended(run.jobId)).state).not.toBe('completed');
    release();
    await eventually(async () =>
      expect((await scene.app.get(SyncRunStore).find(run.id, connection.id))?.status).toBe('failed'),
    );
    expect(await stored(connection)).toHaveLength(200);

    broker.requests.length = 0;
    expect((await sync(connection)).job.result).toMatchObject({ received: 250, inserted: 250 });
    expect(broker.requests[0]?.searchParams.get('page_token')).toBe(fill(199)['id']);
    expect(await stored(connection)).toHaveLength(450);
  });

  it('keeps a start that was given up from writing', async () => {
    const connection = await connect();
    const runs = scene.app.get(SyncRunStore);
    const first = await runs.claim(connection.id, 'default', 'broker-sync_one');
    const second = await runs.claim(connection.id, 'default', 'broker-sync_one');
    if (first === undefined || 'busy' in first || second === undefined || 'busy' in second) throw new Error();
    const page = { activities: [], cursor: { newest: null } };
    await expect(runs.storePage(first, page)).rejects.toThrow('Another start');
    await runs.storePage(second, page);
    expect(await runs.claim(connection.id, 'default', 'broker-sync_two')).toHaveProperty('busy');
    expect(await runs.claim(connection.id, 'somebody-else', 'broker-sync_one')).toBeUndefined();
    await runs.failOf('broker-sync_one', 'enough');
  });

  it('runs one job of a connection at a time, whoever asks', async () => {
    const connection = await connect();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    broker.before = () => held;
    const runs = await Promise.all(Array.from({ length: 5 }, () => start(connection)));
    expect(new Set(runs.map(({ id }) => id)).size).toBe(1);
    await eventually(() => expect(broker.requests).toHaveLength(1), 10_000);
    const job = await scene.app.get(BrokerSyncProducer).addSync({ connectionId: connection.id });
    expect((await scene.ended(job.id!)).result).toMatchObject({ outcome: 'joined', runId: runs[0]!.id });
    release();
    expect((await scene.ended(runs[0]!.jobId)).state).toBe('completed');
    // By its type alone, without a run of its own.
    const alone = await scene.app.get(BrokerSyncProducer).addSync({ connectionId: connection.id });
    expect((await scene.ended(alone.id!)).result).toMatchObject({ outcome: 'synchronised' });
  });

  it('makes up for missed moments once, and asks for each moment once', async () => {
    const hour = 3_600_000;
    const schedule: SyncSchedule = { kind: 'interval', everyMinutes: 60, jitterSeconds: 600 };
    const connection = await connect({ schedule });
    const scheduler = scene.app.get(SyncScheduler);
    const runs = () => scene.app.get(SyncRunStore).list(connection.id, { limit: 100 });
    // Three leaders at once, because a lease is no fence.
    const now = Date.now() + 1_000;
    await Promise.all([scheduler.turn(now), scheduler.turn(now), scheduler.turn(now)]);
    expect(await runs()).toHaveLength(1);
    await scene.ended((await runs())[0]!.jobId);
    await scheduler.turn(now + 60_000);
    expect(await runs()).toHaveLength(1);
    await scheduler.turn(now + 50 * hour);
    expect(await runs()).toHaveLength(2);
    expect((await runs())[0]).toMatchObject({ trigger: 'schedule' });
    const { nextRunAt } = (await scene.app.get(ConnectionStore).find(connection.id, 'default'))!;
    expect(nextRunAt!.getTime()).toBeGreaterThan(now + 50 * hour);
    expect(nextRunAt!.getTime()).toBeLessThanOrEqual(now + 51 * hour);
  });

  it('ends a run whose job is gone, so that the next one can begin', async () => {
    const connection = await connect();
    await scene.rows(
      `INSERT INTO broker_sync_runs (id, connection_id, tenant, trigger, status, job_id)
       VALUES ($1, $2, 'default', 'manual', 'running', $3)`,
      [newRowId(), connection.id, 'broker-sync_0000000000000000000000'],
    );
    await scene.app.get(SyncScheduler).endAbandoned(-1);
    expect((await scene.app.get(SyncRunStore).list(connection.id, { limit: 1 }))[0]?.status).toBe('failed');
    expect((await sync(connection)).job.state).toBe('completed');
  });

  it('leaves one and the same table after 50,000 activities were fetched twice', async () => {
    const symbols = ['AAPL', 'MSFT', 'TSLA', 'SPY', 'QQQ'];
    broker.activities = Array.from({ length: 50_000 }, (_, index) =>
      fill(index, {
        symbol: symbols[index % 5]!,
        side: index % 3 === 0 ? 'sell' : 'buy',
        qty: `${1 + (index % 7)}.25`,
      }),
    );
    const sorted = broker.activities.toSorted((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1));
    const places = new Map(sorted.map((one, index) => [one['id'], index]));
    // The server's own way, which sorts for each page, would take longer than what is tested.
    broker.disturbances.push(
      ...Array.from(
        { length: 1_010 },
        () => (response: Parameters<typeof unavailable>[0], answer: () => void) => {
          const url = broker.requests.at(-1)!;
          if (url.pathname !== '/v2/account/activities') return answer();
          const token = url.searchParams.get('page_token');
          const from = token === null ? 0 : places.get(token)! + 1;
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(JSON.stringify(sorted.slice(from, from + 100)));
        },
      ),
    );
    const connection = await connect();
    const digest = async () =>
      (
        await scene.rows<{ digest: string }>(
          `SELECT md5(string_agg(a::text, '|' ORDER BY external_id)) AS digest FROM broker_activities a WHERE source = $1`,
          [connection.id],
        )
      )[0]?.digest;
    // 3.5 s, and 2.9 s the second time, on two busy cores.
    expect((await sync(connection, 35_000)).job.result).toMatchObject({ received: 50_000, inserted: 50_000 });
    const before = await digest();
    await scene.rows(`UPDATE broker_connections SET cursor = NULL WHERE id = $1`, [connection.id]);
    expect((await sync(connection, 35_000)).job.result).toMatchObject({
      received: 50_000,
      inserted: 0,
      updated: 0,
    });
    expect(await digest()).toBe(before);
  }, 80_000);
});
