import { effectsOnce, noGhosts, nothingLost, nothingPending, testFault } from './fault-test';
import type { Stage } from './stage';
import type { ServerProcess } from '../support/process';

// Blocked and frozen for longer than this, but for no longer than a test can bear.
const shortLock = { CHAOS_LOCK_MS: '2000', CHAOS_STALLED_MS: '1000' };
const exitDeadlineMs = 30_000;

/** Whoever was late has its say before anything is counted. */
async function stopAll(servers: readonly ServerProcess[]): Promise<void> {
  servers.forEach((server) => server.signal('SIGTERM'));
  await Promise.all(servers.map((server) => server.exit(exitDeadlineMs)));
}

async function completedKeys(stage: Stage): Promise<number> {
  return (await stage.figures()).completed;
}

testFault({
  id: 'F04',
  title: 'a worker is frozen for longer than its lock, and wakes up beside its successor',
  stage: { isRedisDurable: true },
  scenario: async (stage) => {
    const [api, frozen] = await Promise.all([stage.start('api'), stage.start('worker', shortLock)]);
    const keys = ['one', 'two', 'three', 'four', 'five'];
    for (const key of keys) await stage.place(api, { payload: { key, beforeMs: 1_500 } });
    for (const key of keys) await stage.untilStarted(key);
    frozen.signal('SIGSTOP');
    const successor = await stage.start('worker', shortLock);
    await stage.settled(30_000);
    const completedInTime = await completedKeys(stage);
    frozen.signal('SIGCONT');
    await stopAll([frozen, successor]);
    return { ...(await stage.figures()), completedInTime };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...noGhosts,
    ...effectsOnce,
    'the successor does all of it': (figures) => figures['completedInTime'] === 5,
  },
  naiveBreaks: ['no effect happens twice'],
});

testFault({
  id: 'F05',
  title: 'a job blocks the event loop of its worker for longer than the lock',
  stage: { isRedisDurable: true },
  scenario: async (stage) => {
    const [api, ...workers] = await Promise.all([
      stage.start('api'),
      stage.start('worker', shortLock),
      stage.start('worker', shortLock),
    ]);
    await stage.place(api, { payload: { key: 'blocks', does: 'block', times: 1, beforeMs: 6_000 } });
    await stage.untilStarted('blocks', 2);
    for (const key of ['one', 'two', 'three']) await stage.place(api, { payload: { key } });
    await stage.settled(30_000);
    await stopAll(workers);
    return await stage.figures();
  },
  promises: { ...nothingLost, ...nothingPending, ...noGhosts, ...effectsOnce },
  naiveBreaks: ['no effect happens twice'],
});
