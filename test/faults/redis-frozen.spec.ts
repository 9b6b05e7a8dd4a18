import { eventually } from '../support/eventually';
import type { ApiClient } from './api-client';
import { FaultScene } from './fault-scene';

// What a caller is promised while Redis accepts connections and answers nothing.
const promisedMs = 2_500;
const recoveryDeadlineMs = 30_000;
const keys = ['one', 'two', 'three', 'four', 'five'];

describe('F14: Redis freezes', () => {
  const scene = new FaultScene();
  let api: ApiClient;

  beforeAll(async () => {
    await scene.open();
    ({ api } = await scene.start());
  }, 60_000);

  afterAll(() => scene.close());

  it('answers 503 in time, stays alive, recovers, and leaves at most one job behind each unanswered add', async () => {
    const first = await api.addTestJob('before');
    await api.waitForJob(String(first.body['id']), recoveryDeadlineMs);

    scene.redis.freeze();
    const refusals = await Promise.all(keys.map((key) => api.addTestJob(key, promisedMs)));
    const isAlive = (await api.get('/health/live', promisedMs)).status;
    const isReady = (await api.get('/health/ready', promisedMs)).status;
    scene.redis.thaw();

    for (const { status, body } of refusals) {
      expect(status).toBe(503);
      expect(['enqueue_outcome_unknown', 'storage_unavailable']).toContain(body['code']);
    }
    expect({ isAlive, isReady }).toEqual({ isAlive: 200, isReady: 503 });

    const ids = await Promise.all(keys.map((key) => sendAgain(key)));
    for (const id of ids) await api.waitForJob(id, recoveryDeadlineMs);
    expect(await jobsInRedis()).toEqual([String(first.body['id']), ...ids].sort());
  }, 90_000);

  /** As a caller does that was told to repeat the request: with the same key. */
  async function sendAgain(key: string): Promise<string> {
    let id = '';
    await eventually(async () => {
      const { status, body } = await api.addTestJob(key);
      expect([200, 202]).toContain(status);
      id = String(body['id']);
    }, recoveryDeadlineMs);
    return id;
  }

  /** Every job ever stored: none has been removed yet. */
  async function jobsInRedis(): Promise<string[]> {
    const hashes = await scene.redis.query((client) =>
      client.keys('bull:default:default_??????????????????????'),
    );
    return hashes.map((key) => key.split(':').at(-1) ?? '').sort();
  }
});
