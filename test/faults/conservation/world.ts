import { getQueueToken } from '@nestjs/bullmq';
import type { TestingModule } from '@nestjs/testing';
import { Worker, type Queue } from 'bullmq';
import { sql } from 'drizzle-orm';
import { Redis } from 'ioredis';
import { DatabaseModule } from '../../../src/platform/database/database.module';
import { Database } from '../../../src/platform/database/database.service';
import { DeadLetterParker } from '../../../src/platform/dead-letter/dead-letter-parker.service';
import { deadLetterMigrations, DeadLetterModule } from '../../../src/platform/dead-letter/dead-letter.module';
import { LeaderModule } from '../../../src/platform/leader/leader.module';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';
import { randomPrefix, startQueueApp } from '../../support/queue-app';
import { statesOf } from '../census';
import { Model, type QueueName } from './model';
import { ByPriorityProducer, InOrderProducer, StepsModule, StepWork } from './step-queues';

export const queueNames: readonly QueueName[] = ['in-order', 'by-priority'];

/** Real services on real stores, and the model that they are compared with. */
export class World {
  private readonly prefix = randomPrefix();
  private readonly redis = new Redis(process.env['TEST_REDIS_URL'] ?? '');
  private readonly strangers = new Map<QueueName, Worker>();
  private database!: TestDatabase;
  private nextText = 0;
  model = new Model();
  app!: TestingModule;

  static async open(): Promise<World> {
    const world = new World();
    world.database = await createTestDatabase();
    await world.start();
    for (const name of queueNames) world.strangers.set(name, world.stranger(name));
    return world;
  }

  async close(): Promise<void> {
    await this.clear();
    for (const worker of this.strangers.values()) await worker.close();
    await this.app.close();
    this.redis.disconnect();
    await this.database.drop();
  }

  /** Another process takes the place of this one, as far as one can tell from outside. */
  async restart(): Promise<void> {
    await this.app.close();
    await this.start();
  }

  /** Empties the stores for the next sequence. */
  async clear(): Promise<void> {
    this.model = new Model();
    const keys = await this.redis.keys(`${this.prefix}:*`);
    if (keys.length > 0) await this.redis.del(keys);
    await this.app.get(Database).query.execute(sql`TRUNCATE dead_letters, dead_letter_cursors`);
  }

  get<T>(type: new (...args: never[]) => T): T {
    return this.app.get<T>(type);
  }

  queue(name: QueueName): Queue {
    return this.app.get<Queue>(getQueueToken(name));
  }

  producer(name: QueueName): InOrderProducer | ByPriorityProducer {
    return name === 'in-order' ? this.get(InOrderProducer) : this.get(ByPriorityProducer);
  }

  set work(run: StepWork['run']) {
    this.get(StepWork).run = run;
  }

  newText(): string {
    this.nextText += 1;
    return `step ${this.nextText}`;
  }

  /** Takes a job and never says anything about it again, as a worker does that is killed. */
  async lose(name: QueueName): Promise<string | undefined> {
    const job = await this.strangers.get(name)?.getNextJob('lost', { block: false });
    return job?.id;
  }

  /** What the stalled check does once the locks have run out. */
  async takeBackLost(name: QueueName): Promise<void> {
    const worker = this.strangers.get(name) as unknown as { moveStalledJobsToWait(): Promise<void> };
    const base = `${this.prefix}:${name}`;
    const lost = await this.redis.lrange(`${base}:active`, 0, -1);
    await this.redis.del(`${base}:stalled-check`, ...lost.map((id) => `${base}:${id}:lock`));
    // The first look marks them, the second one moves them.
    await worker.moveStalledJobsToWait();
    await this.redis.del(`${base}:stalled-check`);
    await worker.moveStalledJobsToWait();
  }

  /** Compares every job with the model, and the sum of all with what was accepted. */
  async check(): Promise<void> {
    let live = 0;
    for (const name of queueNames) {
      const states = await statesOf(this.redis, `${this.prefix}:${name}`);
      expect(sorted(simplified(states))).toEqual(sorted(this.model.shown(name)));
      live += [...states.values()].filter((state) => !['completed', 'failed'].includes(state)).length;
    }
    const { accepted, removed, expired } = this.model;
    const done = (['completed', 'dead', 'cancelled'] as const).map((state) => this.model.count(state));
    expect(accepted).toBe(live + done.reduce((sum, count) => sum + count, 0) + removed + expired);
  }

  /** Every death is a dead letter that waits for a decision, and nothing else is. */
  async checkDeadLetters(): Promise<void> {
    await this.get(DeadLetterParker).turn();
    const { rows } = await this.get(Database).query.execute<{ job_id: string }>(
      sql`SELECT job_id FROM dead_letters WHERE status = 'dead' ORDER BY job_id`,
    );
    const dead = [...this.model.jobs.values()].filter(({ state }) => state === 'dead');
    expect(rows.map(({ job_id }) => job_id)).toEqual(dead.map(({ id }) => id).sort());
  }

  /** The dead letter of a job that waits for a decision. */
  async letterOf(jobId: string): Promise<string> {
    const { rows } = await this.get(Database).query.execute<{ id: string }>(
      sql`SELECT id FROM dead_letters WHERE job_id = ${jobId} AND status = 'dead'`,
    );
    expect(rows).toHaveLength(1);
    return rows[0]?.id ?? '';
  }

  private async start(): Promise<void> {
    this.app = await startQueueApp(
      [LeaderModule, DatabaseModule.forRoot([deadLetterMigrations]), DeadLetterModule, StepsModule],
      { DATABASE_URL: this.database.url, REDIS_PREFIX: this.prefix },
    );
    await eventually(() => expect(this.get(Database).isSchemaReady).toBe(true), 10_000);
  }

  private stranger(name: QueueName): Worker {
    return new Worker(name, undefined, {
      connection: { url: process.env['TEST_REDIS_URL'] ?? '' },
      prefix: this.prefix,
      autorun: false,
      maxStalledCount: 3,
    });
  }
}

/** BullMQ puts a job that was lost into the waiting list, also where jobs have priorities. */
function simplified(states: ReadonlyMap<string, string>): Map<string, string> {
  const isRunnable = (state: string) => state === 'waiting' || state === 'prioritised';
  return new Map([...states].map(([id, state]) => [id, isRunnable(state) ? 'runnable' : state]));
}

function sorted(states: ReadonlyMap<string, string>): [string, string][] {
  return [...states].sort(([left], [right]) => left.localeCompare(right));
}
