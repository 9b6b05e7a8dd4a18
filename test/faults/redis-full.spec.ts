import type { Redis } from 'ioredis';
import { eventually } from '../support/eventually';
import { effectsOnce, figure, noGhosts, nothingLost, nothingPending, testFault } from './fault-test';
import type { Stage } from './stage';
import type { Answered } from './subject';
import type { ServerProcess } from '../support/process';

const MEGABYTE = 1024 * 1024;
const padding = 'x'.repeat(50_000);
const settleDeadlineMs = 60_000;
const noticeDeadlineMs = 10_000;
const senders = 8;

async function usedBytes(client: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
}

/** Leaves Redis this much room, whatever it uses now. */
async function leaveRoom(stage: Stage, bytes: number, policy = 'noeviction'): Promise<void> {
  await stage.scene.redis.query(async (client) => {
    await client.config('SET', 'maxmemory-policy', policy);
    await client.config('SET', 'maxmemory', String((await usedBytes(client)) + bytes));
  });
}

/** Large orders, until so many were refused or all are placed; resolves with the refusals. */
async function flood(stage: Stage, api: ServerProcess, most: number, refusals = 20): Promise<Answered[]> {
  const refused: Answered[] = [];
  let next = 0;
  const send = async () => {
    while (next < most && refused.length < refusals) {
      const answered = await stage.place(api, { payload: { key: `flood ${next++}`, padding } });
      if (answered.outcome !== 'accepted') refused.push(answered);
    }
  };
  await Promise.all(Array.from({ length: senders }, send));
  return refused;
}

/** What a server knows of Redis it learns about once a second; one that never refuses shows it afterwards. */
async function untilRefused(stage: Stage, api: ServerProcess): Promise<void> {
  let next = 0;
  await eventually(async () => {
    const { outcome } = await stage.place(api, { payload: { key: `early ${next++}` } });
    expect(outcome).toBe('refused');
  }, noticeDeadlineMs).catch(() => undefined);
}

const politely = (answers: readonly Answered[], ...codes: string[]) =>
  answers.filter(({ status, code }) => status === 503 && codes.includes(code ?? '')).length;

testFault({
  id: 'F25',
  title: 'Redis is nearly full of other things',
  scenario: async (stage) => {
    const [api] = await Promise.all([stage.start('api'), stage.start('worker')]);
    for (const key of ['one', 'two', 'three']) {
      await stage.place(api, { payload: { key, beforeMs: 3_000 } });
      await stage.untilStarted(key);
    }
    await leaveRoom(stage, 20 * MEGABYTE);
    await stage.scene.redis.query((client) => client.setrange('ballast', 19.5 * MEGABYTE, 'x'));
    await untilRefused(stage, api);
    const refused = await flood(stage, api, 10);
    await stage.untilHappened(['one', 'two', 'three']);
    await stage.scene.redis.query((client) => client.del('ballast'));
    await stage.placeUntilAccepted(api, { payload: { key: 'after' } });
    const figures = await stage.settled(settleDeadlineMs);
    return { ...figures, refused: refused.length, politely: politely(refused, 'queue_full') };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...noGhosts,
    ...effectsOnce,
    'whoever comes is refused, and told why': (figures) => figure(figures, 'politely') === 10,
  },
  naiveBreaks: ['whoever comes is refused, and told why'],
});

testFault({
  id: 'F26',
  title: 'Redis fills up with waiting jobs',
  stage: { isRedisDurable: true },
  scenario: async (stage) => {
    await leaveRoom(stage, 12 * MEGABYTE);
    const api = await stage.start('api');
    const refused = await flood(stage, api, 600);
    await stage.start('worker');
    const figures = await stage.settled(20_000);
    return { ...figures, refused: refused.length, politely: politely(refused, 'queue_full') };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...noGhosts,
    ...effectsOnce,
    'somebody is refused': (figures) => figure(figures, 'refused') > 0,
    'nobody is refused without a reason': (figures) => figures['politely'] === figures['refused'],
  },
  naiveBreaks: ['nothing is left behind', 'nobody is refused without a reason'],
});

testFault({
  id: 'F27',
  title: 'Redis is allowed to throw jobs away',
  scenario: async (stage) => {
    const api = await stage.start('api');
    await leaveRoom(stage, 6 * MEGABYTE, 'allkeys-lru');
    const isNoticed = await stage.shows(api, '/health/ready', /noeviction/, noticeDeadlineMs);
    await untilRefused(stage, api);
    const before = stage.journal.accepted().length;
    const refused = await flood(stage, api, 300);
    const acceptedLater = stage.journal.accepted().length - before;
    await stage.start('worker');
    const figures = await stage.settled(8_000);
    return {
      ...figures,
      acceptedLater,
      refused: refused.length,
      politely: politely(refused, 'storage_degraded'),
      noticed: isNoticed ? 1 : 0,
    };
  },
  promises: {
    ...nothingLost,
    'it is noticed': (figures) => figure(figures, 'noticed') === 1,
    'nobody is accepted from then on': (figures) => figure(figures, 'acceptedLater') === 0,
    'whoever comes is told why': (figures) =>
      figure(figures, 'politely') > 0 && figures['politely'] === figures['refused'],
  },
  naiveBreaks: ['nothing is lost', 'it is noticed', 'nobody is accepted from then on'],
});

const finished = 1_500;
const kept = 200;

testFault({
  id: 'F28',
  title: 'jobs come and go for a long time',
  scenario: async (stage) => {
    const server = await stage.start('all', { CHAOS_KEPT: String(kept), CHAOS_CONCURRENCY: '50' });
    let next = 0;
    const send = async () => {
      while (next < finished) await stage.place(server, { payload: { key: `job ${next++}` } });
    };
    await Promise.all(Array.from({ length: senders }, send));
    await stage.settled(settleDeadlineMs);
    const count = () =>
      stage.scene.redis.query(async (client) => ({
        events: await client.xlen('bull:chaos:events'),
        keptJobs: await client.zcard('bull:chaos:completed'),
      }));
    // Retention looks every ten seconds.
    await eventually(async () => expect((await count()).keptJobs).toBeLessThanOrEqual(kept), 18_000).catch(
      () => undefined,
    );
    return { ...(await stage.figures()), ...(await count()) };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...noGhosts,
    ...effectsOnce,
    'finished jobs are not kept for ever': (figures) => figure(figures, 'keptJobs') <= kept,
    'events are not kept for ever': (figures) => figure(figures, 'events') <= 1_500,
  },
  naiveBreaks: ['finished jobs are not kept for ever', 'events are not kept for ever'],
});
