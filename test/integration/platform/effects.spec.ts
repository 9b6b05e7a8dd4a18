import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { Client } from 'pg';
import { readSettings } from '../../../src/config/read-settings';
import { Database, type Transaction } from '../../../src/platform/database/database.service';
import { EffectCleaner } from '../../../src/platform/effects/effect-cleaner.service';
import type { EffectJob } from '../../../src/platform/effects/effect-owner';
import { EffectRefusedError } from '../../../src/platform/effects/effect-refused.error';
import { EffectResultTooLargeError } from '../../../src/platform/effects/effect-result';
import { takeStep } from '../../../src/platform/effects/effect-steps';
import { effectFences, effects } from '../../../src/platform/effects/effects.tables';
import { effectsMigrations } from '../../../src/platform/effects/effects.module';
import { Effects } from '../../../src/platform/effects/effects.service';
import type { Delivery, JobEffects } from '../../../src/platform/effects/job-effects';
import { Leader } from '../../../src/platform/leader/leader.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';

const DAY_MS = 86_400_000;
const CREATED_AT = 1_700_000_000_000;

describe('effects of jobs', () => {
  let testDatabase: TestDatabase;
  // Two processes, each with a pool of its own.
  let here: Database;
  let there: Database;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    testDatabase = await createTestDatabase();
    const settings = readSettings({ DATABASE_URL: testDatabase.url });
    [here, there] = [
      new Database(settings, [effectsMigrations]),
      new Database(settings, [effectsMigrations]),
    ];
    await here.onApplicationBootstrap();
    await there.onApplicationBootstrap();
    await here.query.execute(sql`CREATE TABLE receipts (job_id text NOT NULL, text text NOT NULL)`);
  });

  afterAll(async () => {
    await Promise.all([here.onApplicationShutdown(), there.onApplicationShutdown()]);
    await testDatabase.drop();
  });

  const newId = () => `notes_${randomBytes(11).toString('hex')}`;
  const start = (id: string, starts: number, more: Partial<EffectJob> = {}): EffectJob => ({
    id,
    timestamp: CREATED_AT,
    attemptsStarted: starts,
    // A job that was taken from a dead worker starts again after its lock, 15 s, has run out.
    processedOn: CREATED_AT + starts * 15_000,
    opts: {},
    ...more,
  });
  const running = () => new AbortController().signal;
  const of = (job: EffectJob, database = here): JobEffects => new Effects(database).of(job, running());
  const receipt = (id: string, text: string) => async (transaction: Transaction) => {
    await transaction.execute(sql`INSERT INTO receipts VALUES (${id}, ${text})`);
    return { text };
  };
  const receipts = async (id: string): Promise<string[]> => {
    const { rows } = await here.query.execute<{ text: string }>(
      sql`SELECT text FROM receipts WHERE job_id = ${id}`,
    );
    return rows.map(({ text }) => text);
  };
  /** Holds a step open from within until it is let go. */
  const gate = () => {
    let open: () => void = () => undefined;
    let enter: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const entered = new Promise<void>((resolve) => (enter = resolve));
    return { open: () => open(), enter: () => enter(), opened, entered };
  };

  describe('in our database', () => {
    it('happen once per step, and a repetition gets the result of the first', async () => {
      const id = newId();
      expect(await of(start(id, 1)).once('write', receipt(id, 'first'))).toEqual({ text: 'first' });
      expect(await of(start(id, 1)).once('write', receipt(id, 'again'))).toEqual({ text: 'first' });
      expect(await of(start(id, 2), there).once('write', receipt(id, 'later'))).toEqual({ text: 'first' });
      expect(await of(start(id, 2), there).once('other', receipt(id, 'other'))).toEqual({ text: 'other' });
      expect(await receipts(id)).toEqual(['first', 'other']);
    });

    it('happen once for callers in parallel, on one connection pool and on two', async () => {
      const id = newId();
      const results = await Promise.all(
        Array.from({ length: 16 }, (_, index) =>
          of(start(id, 1), index % 2 === 0 ? here : there).once('write', receipt(id, `caller ${index}`)),
        ),
      );
      const [written] = await receipts(id);
      expect(await receipts(id)).toHaveLength(1);
      expect(results).toEqual(results.map(() => ({ text: written })));
    });

    it('run again after a crash before the commit', async () => {
      const id = newId();
      const client = new Client({ connectionString: testDatabase.url });
      await client.connect();
      const crash = of(start(id, 1)).once('write', async (transaction) => {
        await receipt(id, 'lost')(transaction);
        const { rows } = await transaction.execute<{ pid: number }>(sql`SELECT pg_backend_pid() AS pid`);
        await client.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
      });
      await expect(crash).rejects.toThrow();
      await client.end();
      expect(await receipts(id)).toEqual([]);
      await of(start(id, 2), there).once('write', receipt(id, 'second'));
      expect(await receipts(id)).toEqual(['second']);
    });

    it('run again after a step that threw, and leave nothing of it', async () => {
      const id = newId();
      const failing = of(start(id, 1)).once('write', async (transaction) => {
        await receipt(id, 'lost')(transaction);
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      expect(await receipts(id)).toEqual([]);
      await of(start(id, 1)).once('write', receipt(id, 'kept'));
      expect(await receipts(id)).toEqual(['kept']);
    });

    it('are refused to a start after which another has begun', async () => {
      const id = newId();
      await of(start(id, 2), there).once('first', receipt(id, 'successor'));
      const late = of(start(id, 1)).once('second', receipt(id, 'zombie'));
      await expect(late).rejects.toThrow(EffectRefusedError);
      await expect(late).rejects.toMatchObject({ refusal: 'superseded' });
      expect(await receipts(id)).toEqual(['successor']);
    });

    it('are refused to a zombie that waits while its successor is at work', async () => {
      const id = newId();
      const { open, enter, opened, entered } = gate();
      const successor = of(start(id, 2), there).once('write', async (transaction) => {
        enter();
        await opened;
        return receipt(id, 'successor')(transaction);
      });
      await entered;
      const zombie = of(start(id, 1)).once('write', receipt(id, 'zombie'));
      const refused = expect(zombie).rejects.toMatchObject({ name: 'EffectRefusedError' });
      await eventually(async () => expect(await waitingForLocks()).toBe(1));
      open();
      expect(await successor).toEqual({ text: 'successor' });
      await refused;
      expect(await receipts(id)).toEqual(['successor']);
    });

    it('are taken over from a zombie that commits while its successor waits', async () => {
      const id = newId();
      const { open, enter, opened, entered } = gate();
      const zombie = of(start(id, 1)).once('write', async (transaction) => {
        enter();
        await opened;
        return receipt(id, 'zombie')(transaction);
      });
      await entered;
      const successor = of(start(id, 2), there).once('write', receipt(id, 'successor'));
      await eventually(async () => expect(await waitingForLocks()).toBe(1));
      open();
      expect(await Promise.all([zombie, successor])).toEqual([{ text: 'zombie' }, { text: 'zombie' }]);
      expect(await receipts(id)).toEqual(['zombie']);
    });

    it('are not committed once the signal has fired, though the step itself went through', async () => {
      const id = newId();
      const controller = new AbortController();
      const aborted = new Effects(here).of(start(id, 1), controller.signal);
      const late = aborted.once('write', async (transaction) => {
        await receipt(id, 'late')(transaction);
        controller.abort(new Error('lock was lost'));
      });
      await expect(late).rejects.toMatchObject({
        name: 'EffectRefusedError',
        refusal: 'aborted',
        cause: { message: 'lock was lost' },
      });
      await expect(aborted.once('more', receipt(id, 'more'))).rejects.toThrow('its signal has fired');
      expect(await receipts(id)).toEqual([]);
    });

    it('do not wait for ever for a process that froze inside its step', async () => {
      const id = newId();
      const { open, enter, opened, entered } = gate();
      // The frozen process does not go on; the server ends its transaction.
      const owner = { jobId: id, createdAt: CREATED_AT, startedAt: CREATED_AT, starts: 1, isRedriven: false };
      const frozen = here.transaction(async (transaction) => {
        await takeStep(transaction, owner, 'write', 200);
        await receipt(id, 'frozen')(transaction);
        enter();
        await opened;
        await receipt(id, 'thawed')(transaction);
      });
      const ended = expect(frozen).rejects.toThrow();
      await entered;
      expect(await of(start(id, 2), there).once('write', receipt(id, 'successor'))).toEqual({
        text: 'successor',
      });
      open();
      await ended;
      expect(await receipts(id)).toEqual(['successor']);
    });

    it('belong to a redriven job as to the one that died, and not to a later job under the same key', async () => {
      const id = newId();
      await of(start(id, 3)).once('write', receipt(id, 'first life'));
      // Sent back in place: its starts count from one again.
      const retried = start(id, 1, { processedOn: CREATED_AT + 100_000 });
      expect(await of(retried).once('write', receipt(id, 'retried'))).toEqual({ text: 'first life' });
      await expect(of(start(id, 3)).once('zombie', receipt(id, 'zombie'))).rejects.toThrow('newer start');
      // Added anew, because its record was gone.
      const [addedAt, processedOn] = [CREATED_AT + 200_000, CREATED_AT + 200_100];
      const redriven = start(id, 1, {
        timestamp: addedAt,
        processedOn,
        opts: { origin: { tenant: 'default', correlationId: 'c', generation: 1 } } as EffectJob['opts'],
      });
      expect(await of(redriven).once('write', receipt(id, 'redriven'))).toEqual({ text: 'first life' });
      const later = start(id, 1, { timestamp: addedAt + 1, processedOn });
      expect(await of(later).once('write', receipt(id, 'second life'))).toEqual({ text: 'second life' });
      await expect(of(redriven).once('write', receipt(id, 'zombie'))).rejects.toThrow('newer start');
      expect(await receipts(id)).toEqual(['first life', 'second life']);
    });

    it('are granted to a start whose worker has a clock that is a little behind', async () => {
      const id = newId();
      await of(start(id, 1)).once('write', receipt(id, 'first'));
      const behind = start(id, 2, { processedOn: CREATED_AT + 14_000 });
      expect(await of(behind).once('more', receipt(id, 'second'))).toEqual({ text: 'second' });
    });

    it('hand on JSON, the same the first time, and not more than 32 KiB of it', async () => {
      const id = newId();
      const at = new Date(0);
      expect(await of(start(id, 1)).once<unknown>('date', () => Promise.resolve({ at }))).toEqual({
        at: '1970-01-01T00:00:00.000Z',
      });
      expect(await of(start(id, 1)).once('nothing', () => Promise.resolve())).toBeUndefined();
      expect(await of(start(id, 1)).once('nothing', () => Promise.reject(new Error('ran')))).toBeUndefined();
      const large = of(start(id, 1)).once('large', async (transaction) => {
        await receipt(id, 'large')(transaction);
        return 'x'.repeat(40_000);
      });
      await expect(large).rejects.toThrow(EffectResultTooLargeError);
      expect(await receipts(id)).toEqual([]);
    });

    it('refuse a step within a step, a name that is none, and a job that was never started', async () => {
      const id = newId();
      const job = of(start(id, 1));
      await expect(job.once('outer', () => job.once('inner', receipt(id, 'inner')))).rejects.toThrow(
        'was begun inside another step',
      );
      await expect(job.once('a step', receipt(id, 'x'))).rejects.toThrow('cannot name a step');
      expect(() => of(start(id, 1, { processedOn: undefined }))).toThrow('a worker has started');
    });
  });

  describe('outside our database', () => {
    it('happen once when all goes well, with the same key for every start', async () => {
      const id = newId();
      const sent: Delivery[] = [];
      const send = (delivery: Delivery) => {
        sent.push(delivery);
        return Promise.resolve({ sent: sent.length });
      };
      expect(await of(start(id, 1)).atLeastOnce('mail', send)).toEqual({ sent: 1 });
      expect(await of(start(id, 2), there).atLeastOnce('mail', send)).toEqual({ sent: 1 });
      expect(sent).toEqual([{ key: expect.stringMatching(/^hf_[\w-]{32}$/), mayHaveHappened: false }]);
      await of(start(id, 2)).atLeastOnce('other-mail', send);
      await of(start(newId(), 1)).atLeastOnce('mail', send);
      expect(new Set(sent.map(({ key }) => key)).size).toBe(3);
    });

    it('are performed again after a crash before they were settled, and told so', async () => {
      const id = newId();
      const sent: Delivery[] = [];
      const crash = of(start(id, 1)).atLeastOnce('mail', (delivery) => {
        sent.push(delivery);
        return Promise.reject(new Error('the reply was lost'));
      });
      await expect(crash).rejects.toThrow('the reply was lost');
      await of(start(id, 2), there).atLeastOnce('mail', (delivery) => {
        sent.push(delivery);
        return Promise.resolve();
      });
      expect(sent).toEqual([
        { key: sent[1]?.key, mayHaveHappened: false },
        { key: sent[0]?.key, mayHaveHappened: true },
      ]);
    });

    it('are one for callers in parallel within a start', async () => {
      const id = newId();
      let sent = 0;
      const instance = new Effects(here);
      const calls = Array.from({ length: 5 }, () =>
        instance.of(start(id, 1), running()).atLeastOnce('mail', () => Promise.resolve((sent += 1))),
      );
      expect(await Promise.all(calls)).toEqual([1, 1, 1, 1, 1]);
    });

    it('are settled although the signal fired meanwhile, and refused to a zombie before and after', async () => {
      const id = newId();
      const controller = new AbortController();
      const aborted = new Effects(here).of(start(id, 1), controller.signal);
      await aborted.atLeastOnce('mail', () => Promise.resolve(controller.abort()));
      let repeated = false;
      await of(start(id, 2)).atLeastOnce('mail', () => Promise.resolve((repeated = true)));
      expect(repeated).toBe(false);
      await expect(of(start(id, 1)).atLeastOnce('more', () => Promise.resolve())).rejects.toThrow(
        'newer start',
      );
      const late = of(start(id, 2)).atLeastOnce('late', async () => {
        await of(start(id, 3), there).atLeastOnce('late', () => Promise.resolve('successor'));
        return 'zombie';
      });
      await expect(late).rejects.toMatchObject({ refusal: 'superseded' });
      expect(await of(start(id, 3)).atLeastOnce('late', () => Promise.resolve('again'))).toBe('successor');
    });
  });

  describe('after 30 days', () => {
    const redis = new RedisConnections(readSettings({ REDIS_URL: process.env['TEST_REDIS_URL'] }));
    afterAll(() => redis.onApplicationShutdown());

    it('are forgotten, in batches, but for those that somebody still needs', async () => {
      await here.query.execute(sql`DELETE FROM ${effectFences}`);
      await here.query.execute(sql`
        INSERT INTO ${effectFences} (job_id, life, job_created_at, starts, started_at, touched_at)
        SELECT 'old_' || n, 1, 1, 1, 1, now() - interval '31 days' FROM generate_series(1, 1200) n`);
      await here.query.execute(sql`
        INSERT INTO ${effects} (job_id, step, life, state, starts)
        SELECT job_id, 'write', 1, 'done', 1 FROM ${effectFences}`);
      await of(start('young', 1)).once('write', () => Promise.resolve());
      const cleaner = new EffectCleaner(here, new Leader(redis, readSettings({})));
      const asked: string[] = [];
      cleaner.guard((ids) => {
        asked.push(...ids);
        return Promise.resolve(new Set(ids.filter((id) => id !== 'old_7')));
      });
      expect(await cleaner.sweep()).toBe(1_199);
      expect(await cleaner.sweep()).toBe(0);
      expect(asked).toHaveLength(1_200);
      const { rows } = await here.query.execute(sql`SELECT job_id FROM ${effects} ORDER BY job_id`);
      expect(rows).toEqual([{ job_id: 'old_7' }, { job_id: 'young' }]);
      expect(await cleaner.sweep(Date.now() + 29 * DAY_MS)).toBe(0);
      expect(asked).toHaveLength(1_200);
    });
  });

  async function waitingForLocks(): Promise<number> {
    const { rows } = await here.query.execute<{ count: string }>(
      sql`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return Number(rows[0]?.count);
  }

  describe('of many jobs at once', () => {
    it('are claimed and settled together, each for its own job', async () => {
      const shared = new Effects(here);
      const ids = Array.from({ length: 60 }, newId);
      const known = ids.slice(0, 5);
      for (const id of known)
        await of(start(id, 1), there).atLeastOnce('send', () => Promise.resolve('before'));
      const told = await Promise.all(
        ids.map((id) =>
          shared.of(start(id, 1), running()).atLeastOnce('send', ({ key }) => Promise.resolve(key)),
        ),
      );
      expect(told.slice(0, 5)).toEqual(known.map(() => 'before'));
      expect(new Set(told.slice(5)).size).toBe(55);
      const again = await Promise.all(
        ids.map((id) => of(start(id, 2), there).atLeastOnce('send', () => Promise.resolve('again'))),
      );
      expect(again).toEqual(told);
    });

    it('wait for nobody but their own job: a fence that is held makes the others no slower', async () => {
      const shared = new Effects(here);
      const [held, free] = [newId(), newId()];
      const { open, opened, enter, entered } = gate();
      const both = [held, free].map((id) =>
        shared.of(start(id, 1), running()).atLeastOnce('send', async () => {
          if (id === held) enter();
          await opened;
          return id;
        }),
      );
      await entered;
      const holder = new Client({ connectionString: testDatabase.url });
      await holder.connect();
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM effect_fences WHERE job_id = $1 FOR UPDATE', [held]);
      open();
      expect(await both[1]).toBe(free);
      await holder.query('COMMIT');
      await holder.end();
      expect(await both[0]).toBe(held);
    });

    it('belong to the step that came first where one job asks twice', async () => {
      const shared = new Effects(here);
      const id = newId();
      const told = await Promise.all(
        ['one', 'two'].map((step) =>
          shared.of(start(id, 1), running()).atLeastOnce(step, () => Promise.resolve(step)),
        ),
      );
      expect(told).toEqual(['one', 'two']);
    });
  });
});
