import { effectsOnce, figure, noGhosts, nothingLost, nothingPending, testFault } from './fault-test';
import type { Stage } from './stage';
import type { ServerProcess } from '../support/process';

const graceMs = 3_000;
// The deadline of the jobs, and what main.ts grants for closing sockets after it.
const exitDeadlineMs = graceMs + 5_000;
const settings = { SHUTDOWN_TIMEOUT_MS: String(graceMs), CHAOS_LOCK_MS: '4000', CHAOS_STALLED_MS: '1000' };

/** How a process ended that was asked to; −1 for one that had to be killed. */
async function stop(server: ServerProcess): Promise<{ exitCode: number; exitMs: number }> {
  const askedAt = performance.now();
  server.signal('SIGTERM');
  const exit = await server.exit(exitDeadlineMs).catch(() => undefined);
  if (exit === undefined) await server.kill();
  return { exitCode: exit?.code ?? -1, exitMs: performance.now() - askedAt };
}

/** Two short jobs, three that outlast every patience the first time they start, and a few that wait. */
async function placeWork(stage: Stage, api: ServerProcess): Promise<void> {
  const long = ['long 1', 'long 2', 'long 3'];
  const short = ['short 1', 'short 2'];
  for (const key of long) await stage.place(api, { payload: { key, does: 'dawdle', times: 1 } });
  for (const key of short) await stage.place(api, { payload: { key, beforeMs: 1_000 } });
  for (const key of [...long, ...short]) await stage.untilStarted(key);
  for (const key of ['next 1', 'next 2']) await stage.place(api, { payload: { key, beforeMs: 10 } });
}

testFault({
  id: 'F06',
  title: 'a worker is asked to stop in the middle of its jobs',
  scenario: async (stage) => {
    const [api, worker] = await Promise.all([stage.start('api'), stage.start('worker', settings)]);
    await placeWork(stage, api);
    const exit = await stop(worker);
    const left = (await stage.jobs()).filter(({ state }) => state === 'active').length;
    await stage.start('worker', settings);
    const figures = await stage.settled(30_000);
    return { ...figures, ...exit, leftActive: left, burntAttempts: (await stage.attemptsMade('long 1')) - 1 };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...noGhosts,
    ...effectsOnce,
    'it ends in time, and well': (figures) => figure(figures, 'exitCode') === 0,
    'what is unfinished goes back at once': (figures) => figure(figures, 'leftActive') === 0,
    'no attempt is burnt': (figures) => figure(figures, 'burntAttempts') === 0,
  },
  naiveBreaks: ['it ends in time, and well', 'what is unfinished goes back at once'],
});

testFault({
  id: 'F07',
  title: 'a worker is asked to stop while Redis is down',
  stage: { isRedisDurable: true },
  scenario: async (stage) => {
    const [api, worker] = await Promise.all([stage.start('api'), stage.start('worker', settings)]);
    await placeWork(stage, api);
    await stage.scene.redis.kill();
    const exit = await stop(worker);
    await stage.scene.redis.start();
    await stage.start('worker', settings);
    const figures = await stage.settled(30_000);
    return { ...figures, ...exit };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...noGhosts,
    ...effectsOnce,
    'it ends in time': (figures) => figure(figures, 'exitCode') >= 0,
  },
  naiveBreaks: ['it ends in time'],
});
