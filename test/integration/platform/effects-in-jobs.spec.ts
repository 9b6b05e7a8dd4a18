import { InjectQueue, Processor } from '@nestjs/bullmq';
import { Injectable, Module } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { Queue } from 'bullmq';
import { IsString } from 'class-validator';
import { sql } from 'drizzle-orm';
import { DatabaseModule } from '../../../src/platform/database/database.module';
import { Database } from '../../../src/platform/database/database.service';
import { EffectRefusedError } from '../../../src/platform/effects/effect-refused.error';
import { EffectsModule, effectsMigrations } from '../../../src/platform/effects/effects.module';
import { Effects } from '../../../src/platform/effects/effects.service';
import type { JobEffects } from '../../../src/platform/effects/job-effects';
import { LeaderModule } from '../../../src/platform/leader/leader.module';
import { defineQueue } from '../../../src/platform/queue/define-queue';
import { JobConsumer, type JobHandlers } from '../../../src/platform/queue/job-consumer';
import { JobProducer } from '../../../src/platform/queue/job-producer';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { QueueModule } from '../../../src/platform/queue/queue.module';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

class Payment {
  @IsString()
  account!: string;
}

const payments = defineQueue({
  name: 'payments',
  domain: 'test',
  description: 'Payments that must be booked once.',
  jobs: { 'book-payment': { payload: Payment, backoff: { type: 'fixed', delayMs: 10 } } },
  worker: { concurrency: 1, lockDurationMs: 1_000 },
});

/** A service as a workload has it: it knows nothing of BullMQ. */
@Injectable()
class BookingService {
  run: (payment: Payment, effects: JobEffects, signal: AbortSignal) => Promise<unknown> = () =>
    Promise.resolve();

  book(account: string, effects: JobEffects): Promise<string> {
    return effects.once('book', async (transaction) => {
      await transaction.execute(sql`INSERT INTO bookings VALUES (${account})`);
      return account;
    });
  }
}

@Injectable()
class PaymentsProducer extends JobProducer<typeof payments> {
  constructor(@InjectQueue(payments.name) queue: Queue) {
    super(payments, queue);
  }

  async send(account: string): Promise<string> {
    return (await this.add('book-payment', { account })).id ?? '';
  }
}

@Processor(payments.name)
class PaymentsProcessor extends JobConsumer<typeof payments> {
  constructor(
    private readonly booking: BookingService,
    private readonly effects: Effects,
  ) {
    super(payments);
  }

  protected readonly handlers: JobHandlers<typeof payments> = {
    'book-payment': (job, signal) => this.booking.run(job.data, this.effects.of(job, signal), signal),
  };
}

@Module({
  imports: [QueueModule.forQueue(payments)],
  providers: [BookingService, PaymentsProducer, PaymentsProcessor],
})
class PaymentsModule {}

describe('effects of jobs on a real Redis and a real PostgreSQL', () => {
  const apps: TestingModule[] = [];
  const prefix = randomPrefix();
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(async () => {
    const [first] = apps;
    if (first !== undefined) await removeKeys(first, prefix);
    for (const app of apps) await app.close();
    await database.drop();
  });

  async function start(): Promise<TestingModule> {
    const app = await startQueueApp(
      [DatabaseModule.forRoot([effectsMigrations]), LeaderModule, EffectsModule, PaymentsModule],
      { REDIS_PREFIX: prefix, DATABASE_URL: database.url },
    );
    apps.push(app);
    await app.get(Database).query.execute(sql`CREATE TABLE IF NOT EXISTS bookings (account text NOT NULL)`);
    return app;
  }
  const bookings = async (app: TestingModule, account: string) => {
    const { rows } = await app
      .get(Database)
      .query.execute(sql`SELECT account FROM bookings WHERE account = ${account}`);
    return rows.length;
  };

  it('happen once, whichever attempt comes to its end, and whoever lost its lock', async () => {
    const [here, there] = [await start(), await start()];
    const [booking, successor] = [here.get(BookingService), there.get(BookingService)];
    const read = (id: string) => here.get(JobReader).read(id);

    // An attempt fails after its effect.
    let attempts = 0;
    booking.run = async ({ account }, effects) => {
      const booked = await booking.book(account, effects);
      attempts += 1;
      if (attempts === 1) throw new Error('after the effect');
      return booked;
    };
    const retried = await here.get(PaymentsProducer).send('retried');
    here.get(WorkerRunner).startChosen();
    await eventually(async () => {
      expect(await read(retried)).toMatchObject({ state: 'completed', result: 'retried', starts: 2 });
    }, 5_000);
    expect(await bookings(here, 'retried')).toBe(1);

    // A worker loses its lock, ignores its signal and comes back to an effect that its successor has had.
    let wake: () => void = () => undefined;
    const woken = new Promise<void>((resolve) => (wake = resolve));
    let refusal: unknown;
    let isRefused: () => void = () => undefined;
    const refused = new Promise<void>((resolve) => (isRefused = resolve));
    let isFirst = true;
    booking.run = async ({ account }, effects) => {
      // Either worker may take the job over.
      if (!isFirst) return booking.book(account, effects);
      isFirst = false;
      await woken;
      refusal = await booking.book(account, effects).catch((error: unknown) => error);
      isRefused();
      return undefined;
    };
    const lost = await here.get(PaymentsProducer).send('lost');
    await eventually(async () => expect((await read(lost))?.state).toBe('active'));
    successor.run = ({ account }, effects) => successor.book(account, effects);
    there.get(WorkerRunner).startChosen();
    const { producer } = here.get(RedisConnections);
    const [lock] = await producer.keys(`${prefix}:*:${lost}:lock`);
    await producer.del(lock ?? '');
    await eventually(async () => {
      expect(await read(lost)).toMatchObject({ state: 'completed', result: 'lost', starts: 2 });
    }, 20_000);
    wake();
    await refused;
    expect(refusal).toBeInstanceOf(EffectRefusedError);
    expect(await bookings(here, 'lost')).toBe(1);
  });
});
