import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import { effectsOnce, figure, noGhosts, nothingLost, nothingPending, testFault } from './fault-test';
import type { Stage } from './stage';
import type { ServerProcess } from '../support/process';

// Twice the lock.
const outageMs = 4_000;
const shortLock = { CHAOS_LOCK_MS: '2000', CHAOS_STALLED_MS: '1000' };

async function placeMany(
  stage: Stage,
  api: ServerProcess,
  keys: readonly string[],
  beforeMs = 0,
): Promise<void> {
  await Promise.all(keys.map((key) => stage.place(api, { payload: { key, beforeMs } })));
}

function keysOf(word: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${word} ${at}`);
}

testFault({
  id: 'F11',
  title: 'Redis is killed right after it has taken orders, and comes back',
  scenario: async (stage) => {
    const api = await stage.start('api');
    for (const word of ['early', 'late']) await placeMany(stage, api, keysOf(word, 100));
    await stage.scene.redis.kill();
    await stage.scene.redis.start();
    await stage.start('worker');
    return await stage.settled(15_000);
  },
  promises: { ...nothingLost, ...nothingPending, ...noGhosts, ...effectsOnce },
  naiveBreaks: ['nothing is lost'],
});

testFault({
  id: 'F13',
  title: 'Redis is away for longer than a lock, while jobs are between their effect and their end',
  stage: { isRedisDurable: true },
  scenario: async (stage) => {
    const [api, worker] = await Promise.all([stage.start('api'), stage.start('worker', shortLock)]);
    const atWork = keysOf('at work', 5);
    for (const key of atWork) await stage.place(api, { payload: { key, afterMs: 2_000 } });
    await stage.untilHappened(atWork);
    await placeMany(stage, api, keysOf('waiting', 35), 20);
    await stage.scene.redis.kill();
    await pause(outageMs);
    await stage.scene.redis.start();
    await stage.settled(30_000);
    worker.signal('SIGTERM');
    await worker.exit(30_000);
    const figures = await stage.figures();
    const starts = [...(await stage.happened('starts')).values()];
    return { ...figures, runTwice: starts.filter((count) => count > 1).length };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...noGhosts,
    ...effectsOnce,
    'only what was at work runs again': (figures) => figure(figures, 'runTwice') <= 5,
  },
  naiveBreaks: ['no effect happens twice'],
});

testFault({
  id: 'F21',
  title: 'Redis forgets every script, again and again, under a stream of orders',
  scenario: async (stage) => {
    const server = await stage.start('all');
    for (let round = 0; round < 3; round += 1) {
      await placeMany(stage, server, keysOf(`before ${round}`, 20));
      await stage.scene.redis.query((client) => client.script('FLUSH'));
      await placeMany(stage, server, keysOf(`after ${round}`, 20));
    }
    await eventually(async () => expect((await stage.jobs()).length).toBeGreaterThan(0));
    const figures = await stage.settled(15_000);
    return { ...figures, refused: stage.journal.refusals };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...noGhosts,
    ...effectsOnce,
    'nobody is refused': (figures) => figure(figures, 'refused') === 0,
  },
  naiveBreaks: ['nobody is refused'],
});
