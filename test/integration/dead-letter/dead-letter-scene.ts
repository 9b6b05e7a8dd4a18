import { getQueueToken } from '@nestjs/bullmq';
import type { TestingModule } from '@nestjs/testing';
import type { Queue } from 'bullmq';
import { asc } from 'drizzle-orm';
import { Database } from '../../../src/platform/database/database.service';
import { DatabaseModule } from '../../../src/platform/database/database.module';
import type { DeadLetter } from '../../../src/platform/dead-letter/dead-letter-entry';
import { DeadLetterParker } from '../../../src/platform/dead-letter/dead-letter-parker.service';
import { deadLetterMigrations, DeadLetterModule } from '../../../src/platform/dead-letter/dead-letter.module';
import { deadLetters } from '../../../src/platform/dead-letter/dead-letter.tables';
import { LeaderModule } from '../../../src/platform/leader/leader.module';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { QueueRegistry, type RegisteredQueue } from '../../../src/platform/queue/queue-registry.service';
import { RedisConnections, type RedisClient } from '../../../src/platform/redis/redis-connections.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';
import { NotesModule, notesLock, notesQueue, NotesProducer, NoteWork } from '../../support/notes-queue';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

const ADDED_AT_ONCE = 50;

type Imports = Parameters<typeof startQueueApp>[0];

/** Notes that can die, with everything that looks after the dead ones, on real stores. */
export class DeadLetterScene {
  readonly prefix = randomPrefix();
  private database!: TestDatabase;
  app!: TestingModule;

  static async open(imports: Imports = [], migrations = [deadLetterMigrations]): Promise<DeadLetterScene> {
    notesLock.durationMs = 30_000;
    const scene = new DeadLetterScene();
    scene.database = await createTestDatabase();
    await scene.start(imports, migrations);
    return scene;
  }

  /** Another process on the same stores. */
  async start(imports: Imports = [], migrations = [deadLetterMigrations]): Promise<TestingModule> {
    const platform = [LeaderModule, DatabaseModule.forRoot(migrations), DeadLetterModule];
    this.app = await startQueueApp([...platform, NotesModule, ...imports], {
      DATABASE_URL: this.database.url,
      REDIS_PREFIX: this.prefix,
      // How many notes are written at a time.
      VALIDATION_CONCURRENCY: '20',
    });
    return this.app;
  }

  async close(): Promise<void> {
    await removeKeys(this.app, this.prefix);
    await this.app.close();
    await this.database.drop();
  }

  get redis(): RedisClient {
    return this.app.get(RedisConnections).producer;
  }

  get queue(): Queue {
    return this.app.get<Queue>(getQueueToken('notes'));
  }

  get entry(): RegisteredQueue {
    return this.app.get(QueueRegistry).get(notesQueue.name)!;
  }

  get base(): string {
    return `${this.prefix}:notes`;
  }

  set work(run: NoteWork['run']) {
    this.app.get(NoteWork).run = run;
  }

  add(text: string, options?: Parameters<NotesProducer['write']>[1]): Promise<string> {
    return this.app.get(NotesProducer).write(text, options);
  }

  /** Jobs that fail at their only attempt. */
  async kill(
    texts: readonly string[],
    options: Parameters<NotesProducer['write']>[1] = {},
  ): Promise<string[]> {
    const ids: string[] = [];
    this.work = ({ text }) => Promise.reject(new Error(`cannot write "${text}"`));
    this.app.get(WorkerRunner).start(notesQueue.name);
    for (let at = 0; at < texts.length; at += ADDED_AT_ONCE) {
      const some = texts.slice(at, at + ADDED_AT_ONCE);
      ids.push(...(await Promise.all(some.map((text) => this.add(text, { attempts: 1, ...options })))));
    }
    await eventually(async () => {
      const scores = await this.redis.zmscore(`${this.base}:failed`, ...ids);
      expect(scores.filter((score) => score === null)).toHaveLength(0);
    }, 60_000);
    return ids;
  }

  async until(id: string, state: string, timeoutMs = 10_000): Promise<void> {
    const reader = this.app.get(JobReader);
    await eventually(async () => expect((await reader.read(id))?.state).toBe(state), timeoutMs);
  }

  park(): Promise<void> {
    return this.app.get(DeadLetterParker).turn();
  }

  /** Every dead letter, in the order of the deaths. */
  letters(): Promise<DeadLetter[]> {
    return this.app
      .get(Database)
      .query.select()
      .from(deadLetters)
      .orderBy(asc(deadLetters.finishedAt), asc(deadLetters.id));
  }

  async letterOf(jobId: string): Promise<DeadLetter> {
    const letter = (await this.letters()).findLast((one) => one.jobId === jobId);
    if (letter === undefined) throw new Error(`Job ${jobId} has no dead letter.`);
    return letter;
  }
}
