import { eventually } from '../support/eventually';
import type { ServerProcess } from '../support/process';
import { FaultScene } from './fault-scene';

const noticeDeadlineMs = 15_000;
// Without a brake there were thousands a second.
const mostLines = 50;
// What a caller is promised while Redis cannot serve.
const promisedMs = 2_500;
const production = { NODE_ENV: 'production', HOLDFAST_BOOTSTRAP_KEY: 'a-key-of-the-fault-specs' };
const authorization = { authorization: `Bearer ${production.HOLDFAST_BOOTSTRAP_KEY}` };

interface Refusal {
  readonly status: number;
  readonly code: unknown;
}

async function enqueue(server: ServerProcess, key: string): Promise<Refusal> {
  const answer = await fetch(`${server.url}/api/queue/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization },
    body: JSON.stringify({ type: 'test-job', data: { message: key }, options: { jobId: key } }),
    signal: AbortSignal.timeout(promisedMs),
  });
  const body = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, code: body['code'] };
}

/** What /health/ready says is wrong. */
async function wrong(server: ServerProcess): Promise<Record<string, { message?: string }>> {
  const answer = await fetch(`${server.url}/health/ready`, { signal: AbortSignal.timeout(promisedMs) });
  return ((await answer.json()) as { error: Record<string, { message?: string }> }).error;
}

const untilWrong = (server: ServerProcess, check: string, sentence: RegExp) =>
  eventually(async () => expect((await wrong(server))[check]?.message).toMatch(sentence), noticeDeadlineMs);

const untilReady = (server: ServerProcess) =>
  eventually(async () => expect(await wrong(server)).toEqual({}), noticeDeadlineMs);

function report(fault: string, figures: Record<string, number>): void {
  const all = { accepted: 0, completed: 0, dead: 0, lost: 0, duplicate_effects: 0, ...figures };
  const text = Object.entries(all).map(([name, value]) => `${name}=${value}`);
  process.stdout.write(`${fault} ${text.join(' ')}\n`);
}

describe('a Redis that jobs cannot be trusted to', () => {
  const scene = new FaultScene();
  let server: ServerProcess;

  beforeAll(async () => {
    await scene.open();
    ({ server } = await scene.start({ ...production, LOG_LEVEL: 'warn' }));
    await untilReady(server);
  }, 90_000);
  afterAll(() => scene.close());

  const configure = (name: string, value: string) =>
    scene.redis.query((client) => client.config('SET', name, value));

  it('F12: makes a production server unready while it keeps no append-only file', async () => {
    await configure('appendonly', 'no');
    await untilWrong(server, 'persistence', /loses jobs when it is killed.*ACCEPT_LOSS/);
    await configure('appendonly', 'yes');
    await untilReady(server);
    report('F12', { noticed: 1 });
  }, 60_000);

  it('F37: makes the server unready while it is a replica, refuses jobs politely and logs no storm', async () => {
    const before = server.output.length;
    await scene.redis.query((client) => client.replicaof('127.0.0.1', 1));
    await untilWrong(server, 'role', /is a replica/);
    const refusal = await enqueue(server, 'on a replica');
    expect(refusal).toEqual({ status: 503, code: 'storage_degraded' });
    // The probes of this test are refused, and logged as requests, as often as it asks.
    const own = server.output
      .slice(before)
      .split('\n')
      .filter((line) => !line.includes('request errored'));
    const lines = own.length;
    await scene.redis.query((client) => client.replicaof('NO', 'ONE'));
    expect({ lines, own }).toEqual({ lines: expect.any(Number), own: own.slice(0, mostLines) });
    await untilReady(server);
    await eventually(async () => expect((await enqueue(server, 'after')).status).toBeLessThan(300));
    report('F37', { accepted: 1, log_lines: lines });
  }, 90_000);

  it('F38: refuses fast while the password is wrong, and recovers when it is right again', async () => {
    await configure('requirepass', 'rotated');
    const secured = scene.redis.url.replace('redis://', 'redis://:rotated@');
    const { Redis } = await import('ioredis');
    const admin = new Redis(secured, { retryStrategy: () => null });
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    const refusals: Refusal[] = [];
    await eventually(async () => {
      refusals.push(await enqueue(server, 'locked out'));
      expect(refusals.at(-1)?.status).toBe(503);
    }, noticeDeadlineMs);
    await admin.config('SET', 'requirepass', '');
    admin.disconnect();
    await eventually(async () => expect((await enqueue(server, 'let in')).status).toBeLessThan(300), 20_000);
    report('F38', { accepted: 1, refused: refusals.filter(({ status }) => status === 503).length });
  }, 60_000);

  it('F39: names the commands that its user may not send', async () => {
    await scene.redis.query((client) => client.call('ACL', 'SETUSER', 'default', '-zadd', '-lpush'));
    await untilWrong(server, 'rights', /may not send lpush, zadd/);
    await scene.redis.query((client) => client.call('ACL', 'SETUSER', 'default', '+@all'));
    await untilReady(server);
    report('F39', { noticed: 1 });
  }, 60_000);

  it('names a key that stops a queue, and works again once it is gone', async () => {
    await scene.redis.query((client) => client.set('bull:validation:delayed', 'spoiled'));
    await untilWrong(server, 'queueKeys', /validation:delayed/);
    await scene.redis.query((client) => client.del('bull:validation:delayed'));
    await untilReady(server);
  }, 60_000);
});
