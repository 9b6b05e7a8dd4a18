import { eventually } from '../support/eventually';
import { effectsOnce, figure, nothingLost, nothingPending, noGhosts, testFault } from './fault-test';

// What the issue promises; here Holdfast has its own lock and stalled check, and the naive variant BullMQ's.
const recoveryMs = 30_000;
const shortLock = { CHAOS_LOCK_MS: '1000', CHAOS_STALLED_MS: '1000' };

testFault({
  id: 'F01',
  title: 'a worker is killed after the effects of its jobs, before they are done',
  scenario: async (stage) => {
    const [api, victim] = await Promise.all([stage.start('api'), stage.start('worker')]);
    const keys = ['one', 'two', 'three'];
    for (const key of keys) await stage.place(api, { payload: { key, afterMs: 3_000 } });
    await stage.untilHappened(keys);
    await victim.kill();
    const killedAt = performance.now();
    await stage.start('worker');
    const figures = await stage.settled(recoveryMs);
    return { ...figures, recoveryMs: performance.now() - killedAt };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...noGhosts,
    ...effectsOnce,
    'another worker takes over within 30 s': (figures) => figure(figures, 'recoveryMs') <= recoveryMs,
  },
  naiveBreaks: ['nothing is left behind', 'another worker takes over within 30 s'],
});

testFault({
  id: 'F02',
  title: 'jobs kill their workers, one of them each time, one of them twice',
  scenario: async (stage) => {
    const api = await stage.start('api');
    // One at a time, so that a job only ever dies of itself.
    await stage.supervise({ ...shortLock, CHAOS_CONCURRENCY: '1' });
    await stage.place(api, { payload: { key: 'twice', does: 'die', times: 2 } });
    await stage.place(api, { payload: { key: 'always', does: 'die' } });
    // More often than a job may stall, but each time it has got on.
    await stage.place(api, { payload: { key: 'onward', does: 'die', times: 6, advances: true } });
    const others = ['one', 'two', 'three'];
    for (const key of others) await stage.place(api, { payload: { key } });
    const figures = await stage.settled(200_000);
    const starts = await stage.happened('starts');
    const reason = await stage.failedReason('always');
    return {
      ...figures,
      startsOfThePoison: starts.get('always') ?? 0,
      saysWhy: /stalled|started/.test(reason) ? 1 : 0,
    };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...effectsOnce,
    'two kills are survived, and six by a job that gets on': ({ completed }) => completed === 5,
    'the poison ends as a dead letter': ({ dead }) => dead === 1,
    'the dead letter says why': (figures) => figure(figures, 'saysWhy') === 1,
    'the poison is given up soon': (figures) => figure(figures, 'startsOfThePoison') <= 5,
  },
  naiveBreaks: ['two kills are survived, and six by a job that gets on'],
});

testFault({
  id: 'F03',
  title: 'all workers are killed at work, orders go on, and one worker comes back',
  scenario: async (stage) => {
    const [api, ...workers] = await Promise.all([
      stage.start('api'),
      stage.start('worker', shortLock),
      stage.start('worker', shortLock),
    ]);
    const atWork = ['a', 'b', 'c', 'd'];
    for (const key of atWork) await stage.place(api, { payload: { key, afterMs: 5_000 } });
    await stage.untilHappened(atWork);
    await Promise.all(workers.map((worker) => worker.kill()));
    for (let at = 0; at < 40; at += 1) {
      await stage.place(api, {
        payload: { key: `later ${at}` },
        ...(at % 4 === 0 && { options: { delay: 500 } }),
      });
    }
    // The delays run out while there is nobody.
    await eventually(async () => {
      const delayed = await stage.scene.redis.query((client) =>
        client.zrange('bull:chaos:delayed', '0', '0', 'REV'),
      );
      expect(delayed).toHaveLength(1);
    });
    await stage.start('worker', shortLock);
    return await stage.settled(40_000);
  },
  promises: { ...nothingLost, ...nothingPending, ...noGhosts, ...effectsOnce },
  naiveBreaks: ['no effect happens twice'],
});
