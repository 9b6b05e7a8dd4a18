import { Redis } from 'ioredis';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DeadLetterParker } from '../../../src/platform/dead-letter/dead-letter-parker.service';
import { DeadLetterProjection } from '../../../src/platform/dead-letter/dead-letter-projection.service';
import { LedgerWriter } from '../../../src/platform/ledger/ledger-writer.service';
import { redisUsers } from '../../../src/platform/redis/redis-rights';
import { RetentionSweeper } from '../../../src/platform/retention/retention-sweeper.service';
import { Quarantine } from '../../../src/platform/worker/quarantine.service';
import { eventually } from '../../support/eventually';
import { RedisProcess } from '../../support/redis-process';
import { asHoldfastUser } from '../../support/redis-user';
import { startTestServer, type TestServer } from '../../support/server';

const root = resolve(__dirname, '../../..');
const dayMs = 86_400_000;

/** Every command that a text calls from Lua. */
const calledIn = (text: string) =>
  [...text.matchAll(/\br?(?:edis\.)?call\(["']([A-Za-z]{2,30})["']/g)].map(([, name = '']) =>
    name.toLowerCase(),
  );

function texts(directory: string, ending: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && !file.endsWith('.spec.ts') && !/relay/i.test(file))
    .map((file) => readFileSync(join(directory, file), 'utf8'));
}

describe('deploy/redis/users.acl', () => {
  const file = readFileSync(join(root, 'deploy/redis/users.acl'), 'utf8');
  const granted = new Set([...file.matchAll(/ \+([a-z|]{2,40})/g)].map(([, command]) => command));

  it('is what the code says (else: npm run redis:users)', () => {
    expect(file).toBe(redisUsers('bull'));
  });

  it('lets nobody in without a password, the default user included', () => {
    expect(file).toMatch(/^user default off$/m);
    expect(file).not.toMatch(/nopass|allkeys|allchannels|allcommands|\+@/);
  });

  it('grants what the scripts of BullMQ and of Holdfast call', () => {
    const bullmq = join(dirname(require.resolve('bullmq/package.json')), 'dist/cjs/commands');
    const called = new Set([...texts(bullmq, '.lua'), ...texts(join(root, 'src'), '.ts')].flatMap(calledIn));
    called.delete('memory');
    expect(called.size).toBeGreaterThan(45);
    expect([...called].filter((command) => !granted.has(command))).toEqual([]);
  });
});

describe('a server whose Redis user has only these rights', () => {
  const prefix = 'acl';
  let redis: RedisProcess;
  let url: string;
  let server: TestServer;

  beforeAll(async () => {
    redis = await RedisProcess.start();
    url = await asHoldfastUser(redis.url, prefix);
    server = await startTestServer({ REDIS_URL: url, REDIS_PREFIX: prefix });
  }, 60_000);
  afterAll(async () => {
    await server?.close();
    await redis?.remove();
  }, 30_000);

  async function call(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    const answer = await fetch(`${server.url}/api/queue${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
      headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    });
    const text = await answer.text();
    return { status: answer.status, body: (text ? JSON.parse(text) : {}) as Record<string, never> };
  }
  const job = (message: string, data: object = {}, options: object = {}) => ({
    type: 'test-job',
    data: { message, ...data },
    options,
  });
  const reaches = (id: string, state: string) =>
    eventually(async () => expect((await call('GET', `/jobs/${id}`)).body).toMatchObject({ state }), 15_000);
  const refusals = () =>
    redis.query(async (admin) => {
      const entries = (await admin.call('ACL', 'LOG', '100')) as unknown[][];
      return entries.map((entry) => `${String(entry[3])} ${String(entry[7])}`);
    });

  it('does all its work, and is refused nothing but CONFIG and CLIENT SETINFO, which it does without', async () => {
    const key = { 'idempotency-key': 'once' };
    const first = await call('POST', '/jobs', job('done once'), key);
    expect(await call('POST', '/jobs', job('done once'), key)).toMatchObject({
      body: { id: first.body['id'] },
    });
    await reaches(first.body['id'] ?? '', 'completed');
    const batch = { jobs: [job('a'), job('b', {}, { jobId: 'known' })] };
    expect((await call('POST', '/jobs/batch', batch)).status).toBeLessThan(300);

    const late = await call('POST', '/jobs', job('late', {}, { delay: 60_000 }));
    expect((await call('POST', `/jobs/${late.body['id']}/promote`)).status).toBeLessThan(300);
    const long = await call('POST', '/jobs', job('long', { delay: 50_000 }));
    await reaches(long.body['id'] ?? '', 'active');
    await call('DELETE', `/jobs/${long.body['id']}`);
    await reaches(long.body['id'] ?? '', 'cancelled');

    const dead = await call('POST', '/jobs', job('dead', { shouldFail: true }, { attempts: 1 }));
    await reaches(dead.body['id'] ?? '', 'failed');
    await server.app.get(DeadLetterParker).turn();
    await server.app.get(DeadLetterProjection).turn();
    const letters = await call('GET', `/dead-letters?jobId=${dead.body['id']}`);
    const [letter] = letters.body['items'] as unknown as { id: string }[];
    const redriven = await call('POST', `/dead-letters/${letter?.id}/redrive`, { reason: 'to see it run' });
    expect(redriven.status).toBeLessThan(300);
    await reaches(dead.body['id'] ?? '', 'failed');

    await server.app.get(Quarantine).sweep();
    await server.app.get(LedgerWriter).turn();
    await server.app.get(RetentionSweeper).sweep(Date.now() + 400 * dayMs);
    expect((await call('GET', '/jobs?limit=5')).status).toBe(200);
    expect((await call('GET', '/stats')).status).toBe(200);
    const ready = await fetch(`${server.url}/health/ready`);
    expect(await ready.json()).toMatchObject({ details: { rights: { status: 'up' } } });

    const refused = await refusals();
    expect(refused).toContain('command config|get');
    expect(refused.filter((line) => !/\b(config|setinfo)\b/.test(line))).toEqual([]);
  }, 90_000);

  it.each([
    ['FLUSHALL'],
    ['FLUSHDB'],
    ['KEYS', `${prefix}:*`],
    ['SCAN', '0'],
    ['CONFIG', 'SET', 'appendonly', 'no'],
    ['CONFIG', 'GET', 'requirepass'],
    ['ACL', 'LIST'],
    ['SCRIPT', 'FLUSH'],
    ['CLIENT', 'KILL', 'TYPE', 'normal'],
    ['SHUTDOWN'],
    ['GET', 'other:key'],
    ['EVAL', "return redis.call('GET', 'other:key')", '0'],
    ['EVAL', "return redis.call('FLUSHALL')", '0'],
    ['PUBLISH', 'other:channel', 'text'],
    ['SUBSCRIBE', 'other:channel'],
  ])('may not send %s %s', async (command, ...args) => {
    const client = new Redis(url, { commandTimeout: 5_000 });
    try {
      await expect(client.call(command, ...args)).rejects.toThrow(
        /^NOPERM|^ERR The user executing the script can't/,
      );
    } finally {
      client.disconnect();
    }
  });
});
