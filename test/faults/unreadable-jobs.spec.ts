import { eventually } from '../support/eventually';
import { effectsOnce, figure, noGhosts, nothingLost, nothingPending, testFault } from './fault-test';
import type { Stage } from './stage';

const others = ['one', 'two', 'three'];
// What the issue promises is about ten seconds; a start of the worker and a lock that has to run out come on top.
const settleMs = 25_000;

const hashOf = (stage: Stage, key: string) => `bull:chaos:${stage.journal.idOf(key)}`;

async function saysWhy(stage: Stage, key: string, pattern: RegExp): Promise<number> {
  return pattern.test(await stage.failedReason(key)) ? 1 : 0;
}

async function untilHashIsGone(stage: Stage, key: string): Promise<void> {
  await eventually(async () => {
    const gone = await stage.scene.redis.query((client) => client.exists(hashOf(stage, key)));
    expect(gone).toBe(0);
  });
}

testFault({
  id: 'F23',
  title: 'the record of a job vanishes while it waits, that of another while it runs',
  scenario: async (stage) => {
    const api = await stage.start('api');
    for (const key of ['waits', ...others]) await stage.place(api, { payload: { key } });
    await stage.scene.redis.query((client) => client.del(hashOf(stage, 'waits')));
    await untilHashIsGone(stage, 'waits');
    await stage.start('worker');
    await stage.untilHappened(others);
    await stage.place(api, { payload: { key: 'runs', beforeMs: 1_000, does: 'hang' } });
    await stage.untilStarted('runs');
    await stage.scene.redis.query((client) => client.del(hashOf(stage, 'runs')));
    const figures = await stage.settled(settleMs);
    const reasons = [await saysWhy(stage, 'waits', /gone/), await saysWhy(stage, 'runs', /gone/)];
    return { ...figures, saysWhy: reasons.reduce((sum, one) => sum + one, 0) };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...noGhosts,
    ...effectsOnce,
    'both are dead': ({ dead }) => dead === 2,
    'the others complete': ({ completed }) => completed === others.length,
    'the dead letters say why': (figures) => figure(figures, 'saysWhy') === 2,
  },
  naiveBreaks: ['nothing is left behind', 'both are dead', 'the dead letters say why'],
});

testFault({
  id: 'F24',
  title: 'the payload of one job and the options of another are no JSON any more',
  scenario: async (stage) => {
    const api = await stage.start('api');
    for (const key of ['payload', 'options', ...others]) await stage.place(api, { payload: { key } });
    await stage.scene.redis.query((client) => client.hset(hashOf(stage, 'payload'), 'data', '{"key":"payl'));
    await stage.scene.redis.query((client) => client.hset(hashOf(stage, 'options'), 'opts', 'no json'));
    await stage.start('worker');
    const figures = await stage.settled(settleMs);
    const reasons = [await saysWhy(stage, 'payload', /JSON/), await saysWhy(stage, 'options', /JSON/)];
    return { ...figures, saysWhy: reasons.reduce((sum, one) => sum + one, 0) };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...noGhosts,
    ...effectsOnce,
    'both are dead': ({ dead }) => dead === 2,
    'the others complete': ({ completed }) => completed === others.length,
    'the dead letters say why': (figures) => figure(figures, 'saysWhy') === 2,
  },
  naiveBreaks: ['nothing is left behind', 'both are dead', 'the dead letters say why'],
});
