import { Redis } from 'ioredis';
import { Client } from 'pg';
import { eventually } from '../support/eventually';
import type { ApiClient } from './api-client';
import { query } from './database-client';
import { FaultScene } from './fault-scene';

const queues = [
  'orchestrator',
  'client-data',
  'flight-search',
  'proposal-analysis',
  'communication',
  'error-monitor',
] as const;
const JOBS_PER_QUEUE = 40;
const CONCURRENCY = 10;
const WORKERS = 2;
const RATE = 50;
/** Of error-monitor, so that a limit is met at all. */
const SLOW_RATE = 5;

describe('a hundred agent jobs at once', () => {
  const scene = new FaultScene();
  let api: ApiClient;
  let redis: Redis;

  beforeAll(async () => {
    await scene.open();
    ({ api } = await scene.start({ ROLE: 'api', LOG_LEVEL: 'warn', DATABASE_POOL_SIZE: '5' }));
    redis = new Redis(scene.redis.url);
  });
  afterAll(async () => {
    redis.disconnect();
    await scene.close();
  });

  const settings = {
    ROLE: 'worker',
    LOG_LEVEL: 'warn',
    // Each handler asks the database; the server of the tests has a hundred connections for all.
    DATABASE_POOL_SIZE: '35',
    QUEUE_CONCURRENCY: queues.map((name) => `${name}=${CONCURRENCY}`).join(','),
    QUEUE_RATE_LIMIT: `${RATE},error-monitor=${SLOW_RATE}`,
  };

  /** Stops whoever reads requests, proposals and deaths, until the function it resolves with is called. */
  async function holdHandlers(): Promise<() => Promise<void>> {
    const client = new Client({ connectionString: scene.databaseUrl });
    client.on('error', () => undefined);
    await client.connect();
    await client.query(
      'BEGIN; LOCK TABLE charter_requests, charter_proposals, dead_letters IN ACCESS EXCLUSIVE MODE',
    );
    return () => client.end();
  }

  async function addJobs(): Promise<void> {
    const base = (at: number) => ({ requestId: `load-${at}`, userId: 'load' });
    const data = {
      orchestrator: (at: number) => ({
        ...base(at),
        type: 'analyze-request',
        message: 'x',
      }),
      'client-data': base,
      'flight-search': (at: number) => ({
        ...base(at),
        type: 'search-flights',
        departure: 'KTEB',
        arrival: 'KVNY',
        passengers: 4,
        date: '2031-03-14',
      }),
      'proposal-analysis': (at: number) => ({ ...base(at), type: 'analyze-quotes', quotes: [] }),
      communication: (at: number) => ({
        ...base(at),
        type: 'send-proposal',
        proposalId: `proposal-load-${at}`,
        recipientEmail: 'load@example.org',
      }),
      'error-monitor': (at: number) => ({ ...base(at), deadLetterIds: ['nothing'] }),
    };
    for (const name of queues) {
      const jobs = Array.from({ length: JOBS_PER_QUEUE }, (_, at) => ({
        type: `${name}-job`,
        data: data[name](at),
      }));
      expect((await api.call('POST', '/api/queue/jobs/batch', { jobs })).status).toBe(202);
    }
  }

  it('are active over two workers, no queue beyond its concurrency and its rate, and all of them end', async () => {
    await query(
      scene.databaseUrl,
      `INSERT INTO charter_requests (tenant, id, user_id, message, client_email, time_zone, priority, status, job_id)
       SELECT 'default', 'load-' || n, 'load', 'x', 'load@example.org', 'UTC', 'normal', 'searching', 'none'
       FROM generate_series(0, $1::int - 1) AS n`,
      [JOBS_PER_QUEUE],
    );
    await query(
      scene.databaseUrl,
      `INSERT INTO charter_proposals (tenant, id, request_id, options, rejected)
       SELECT 'default', 'proposal-load-' || n, 'load-' || n, '[]', '[]' FROM generate_series(0, $1::int - 1) AS n`,
      [JOBS_PER_QUEUE],
    );
    for (let at = 0; at < WORKERS; at += 1) await scene.start(settings);
    const release = await holdHandlers();
    await addJobs();
    const active = () => Promise.all(queues.map((name) => redis.llen(`bull:${name}:active`)));
    let most = 0;
    let mostOfOne = 0;
    await eventually(async () => {
      const counts = await active();
      mostOfOne = Math.max(mostOfOne, ...counts);
      most = Math.max(
        most,
        counts.reduce((sum, count) => sum + count, 0),
      );
      expect(most).toBeGreaterThan(100);
    }, 60_000);
    await release();
    await eventually(async () => {
      const ended = await Promise.all(queues.map((name) => redis.zcard(`bull:${name}:completed`)));
      expect(ended).toEqual(queues.map(() => JOBS_PER_QUEUE));
    }, 120_000);

    const starts = await Promise.all(
      queues.map(async (name) => {
        const ids = await redis.zrange(`bull:${name}:completed`, '0', '-1');
        const times = await Promise.all(ids.map((id) => redis.hget(`bull:${name}:${id}`, 'processedOn')));
        return times.map(Number).sort((a, b) => a - b);
      }),
    );
    // A window of the limit begins with its first job, so that a second of ours may see two of them.
    const busiest = starts.map((times) =>
      Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + 1_000).length)),
    );
    const slowest = busiest.at(-1) ?? 0;
    process.stdout.write(
      `AGENTS-LOAD workers=${WORKERS} concurrency=${CONCURRENCY} active=${most} ofOneQueue=${mostOfOne} ` +
        `startsPerSecond=${Math.max(...busiest)}/${slowest} limits=${RATE}/${SLOW_RATE} jobs=${queues.length * JOBS_PER_QUEUE}\n`,
    );
    expect(mostOfOne).toBeLessThanOrEqual(WORKERS * CONCURRENCY);
    expect(Math.max(...busiest)).toBeLessThanOrEqual(2 * RATE);
    expect(slowest).toBeLessThanOrEqual(2 * SLOW_RATE);
  }, 300_000);
});
