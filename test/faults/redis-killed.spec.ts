import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import type { ApiClient } from './api-client';
import { FaultScene } from './fault-scene';

const jobs = 400;
const senders = 8;
const killAfter = 100;
const retryAfterMs = 50;
const drainDeadlineMs = 60_000;

/** Callers that send job after job, and repeat what was refused; keeps the ids that were acknowledged. */
class Journal {
  readonly acknowledged = new Set<string>();
  refusals = 0;
  private next = 0;

  constructor(private readonly api: ApiClient) {}

  async sendAll(): Promise<void> {
    await Promise.all(Array.from({ length: senders }, () => this.sendMany()));
  }

  private async sendMany(): Promise<void> {
    while (this.next < jobs) await this.send(`job ${this.next++}`);
  }

  private async send(key: string): Promise<void> {
    for (;;) {
      const { status, body } = await this.api.addTestJob(key);
      if (status < 300) return void this.acknowledged.add(String(body['id']));
      expect(status).toBe(503);
      this.refusals++;
      await pause(retryAfterMs);
    }
  }
}

describe('F11: Redis is killed and comes back under a stream of jobs', () => {
  const scene = new FaultScene();
  let api: ApiClient;

  beforeAll(async () => {
    await scene.open();
    ({ api } = await scene.start({ LOG_LEVEL: 'warn' }));
  }, 60_000);

  afterAll(() => scene.close());

  it('completes every job that it has acknowledged, and stores none twice', async () => {
    const journal = new Journal(api);
    const sent = journal.sendAll();
    await eventually(() => expect(journal.acknowledged.size).toBeGreaterThan(killAfter), drainDeadlineMs);
    await scene.redis.kill();
    const beforeTheKill = [...journal.acknowledged];
    await eventually(() => expect(journal.refusals).toBeGreaterThan(senders), drainDeadlineMs);
    await scene.redis.start();

    for (const id of beforeTheKill) await api.waitForJob(id, drainDeadlineMs);
    await sent;
    for (const id of journal.acknowledged) await api.waitForJob(id, drainDeadlineMs);
    expect(journal.acknowledged.size).toBe(jobs);
    expect(await scene.redis.query((client) => client.zcard('bull:default:completed'))).toBe(jobs);
  }, 180_000);
});
