import { randomUUID } from 'node:crypto';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { WorkerRunner } from '../../src/platform/worker/worker-runner.service';
import { eventually } from '../support/eventually';
import { Scrape } from '../support/prometheus-text';
import { RawClient, type RawCall } from '../support/raw-client';
import { startTestServer, type TestServer } from '../support/server';

const KEY = 'a-key-of-the-metric-labels-spec';
const ROUNDS = 90;
const STRANGE_JOBS = 30;
// Verbs that Node's parser takes, and no route answers.
const verbs = ['PROPFIND', 'REPORT', 'SEARCH', 'LOCK', 'MKCOL', 'COPY', 'MOVE', 'TRACE', 'PURGE', 'LINK'];

type Attempt = readonly [path: string, call: RawCall];

/** A16: whatever callers make up, the number of series is that of what the code declares. */
describe('labels of metrics', () => {
  let server: TestServer;
  let client: RawClient;
  const bearer = { authorization: `Bearer ${KEY}` };
  const json = { ...bearer, 'content-type': 'application/json' };

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: KEY });
    client = new RawClient(server.url);
  });
  afterAll(async () => {
    client.close();
    await server.close();
  });

  /** One request of each kind, never twice the same. */
  function attempts(at: number): Attempt[] {
    const made = randomUUID();
    const job = (type: string, options: object, data: object = { message: 'x' }): RawCall => ({
      method: 'POST',
      headers: json,
      body: JSON.stringify({ type, data, options }),
    });
    return [
      [`/${made}`, { headers: bearer }],
      [`/api/queue/${made}/${made}?${made}=${made}`, { headers: bearer }],
      [`/${made}`, { method: verbs[at % verbs.length]!, headers: bearer }],
      [`/api/queue/jobs/default_${made}`, { headers: bearer }],
      [`/api/queues/${made}`, { headers: bearer }],
      [`/api/queue/stats?queue=${made}`, { headers: bearer }],
      ['/api/queue/stats', { headers: { ...bearer, [`x-${made}`]: made, 'user-agent': made } }],
      ['/api/queue/stats', { headers: { authorization: `Bearer ${made}`, 'x-request-id': made } }],
      ['/api/queue/jobs', job(made, {})],
      ['/api/queue/jobs', job('test-job', { jobId: made, tags: [made.slice(0, 20)] })],
      ['/api/queue/jobs', job('test-job', { jobId: made }, { [made]: made })],
      ['/api/queue/jobs', { ...job('test-job', {}), headers: { ...json, 'idempotency-key': made } }],
    ];
  }

  async function sendAll(rounds: number): Promise<number> {
    let sent = 0;
    for (let at = 0; at < rounds; at += 1) {
      const answers = await Promise.all(attempts(at).map(([path, call]) => client.call(path, call)));
      expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
      sent += answers.length;
    }
    return sent;
  }

  /** What strangers put into Redis under names that nobody declared, and a worker takes. */
  async function runStrangeJobs(count: number): Promise<void> {
    const { queue } = server.app.get(QueueRegistry).get('default')!;
    for (let at = 0; at < count; at += 1) {
      // Before everything else, whatever its priority.
      await queue.add(randomUUID(), { [randomUUID()]: randomUUID() }, { jobId: randomUUID(), lifo: true });
      await server.app.get(WorkerRunner).processNext('default');
    }
  }

  const scrape = async () => new Scrape((await client.call('/metrics', { headers: bearer })).text);

  it('do not grow with what callers send', async () => {
    await sendAll(verbs.length);
    await runStrangeJobs(1);
    await scrape();
    // The scrape before is counted once it has been answered.
    await eventually(async () => {
      expect(
        (await scrape()).value('holdfast_http_requests_total', route('GET', '/metrics', '2xx')),
      ).toBeGreaterThan(0);
    });
    const before = await scrape();
    const requests = await sendAll(ROUNDS);
    await runStrangeJobs(STRANGE_JOBS);
    const after = await scrape();
    process.stdout.write(
      `A16 requests=${requests} series_before=${before.ownSeries.length} series_after=${after.ownSeries.length}\n`,
    );
    expect(requests).toBeGreaterThanOrEqual(1_000);
    const known = new Set(before.ownSeries);
    // A few of them say enough.
    expect(after.ownSeries.filter((one) => !known.has(one)).slice(0, 10)).toEqual([]);
    // They were counted, so that the silence above means something.
    const grown = (name: string, labels: Record<string, string>) =>
      (after.value(name, labels) ?? 0) - (before.value(name, labels) ?? 0);
    expect(grown('holdfast_http_requests_total', route('GET', 'unmatched', '4xx'))).toBeGreaterThanOrEqual(
      2 * ROUNDS,
    );
    expect(grown('holdfast_http_requests_total', route('other', 'unmatched', '4xx'))).toBe(ROUNDS);
    const strange = { queue: 'default', type: 'other', outcome: 'dead' };
    expect(grown('holdfast_jobs_finished_total', strange)).toBe(STRANGE_JOBS);
    const refused = { queue: 'default', type: 'test-job', outcome: 'refused' };
    expect(grown('holdfast_jobs_enqueued_total', refused)).toBe(ROUNDS);
  }, 120_000);
});

function route(method: string, path: string, status: string): Record<string, string> {
  return { method, route: path, status };
}
