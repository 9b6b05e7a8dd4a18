import { effectsOnce, figure, noGhosts, nothingLost, nothingPending, testFault } from './fault-test';
import type { Deed } from './subject/chaos.payload';

const shortLock = { CHAOS_LOCK_MS: '2000', CHAOS_STALLED_MS: '1000' };
const thrown: readonly Deed[] = ['throw-undefined', 'throw-string', 'throw-cyclic', 'throw-huge'];
const returned: readonly Deed[] = ['return-cyclic', 'return-bigint'];
const once = { attempts: 1 };

testFault({
  id: 'F45',
  title: 'handlers throw and return what nobody expects, leave a rejection unheard and end their process',
  scenario: async (stage) => {
    const api = await stage.start('api');
    await stage.supervise(shortLock);
    for (const does of [...thrown, ...returned]) {
      await stage.place(api, { payload: { key: does, does }, options: once });
    }
    await stage.settled(20_000);
    const endsOfBadAnswers = stage.ends;
    await stage.place(api, { payload: { key: 'reject-unheard', does: 'reject-unheard', times: 1 } });
    await stage.settled(20_000);
    const endsOfUnheard = stage.ends - endsOfBadAnswers;
    await stage.place(api, { payload: { key: 'exit', does: 'exit', times: 1 } });
    const figures = await stage.settled(30_000);
    const starts = await stage.happened('starts');
    const reasons = await Promise.all(thrown.map((does) => stage.failedReason(does)));
    return {
      ...figures,
      startsEach: Math.max(...[...thrown, ...returned].map((does) => starts.get(does) ?? 0)),
      longestReason: Math.max(...reasons.map(({ length }) => length)),
      withoutReason: reasons.filter((reason) => reason === '' || reason === 'null').length,
      ends: endsOfBadAnswers + endsOfUnheard,
    };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...noGhosts,
    ...effectsOnce,
    'what cannot be used is dead': ({ dead }) => dead === thrown.length + returned.length,
    'the rest completes': ({ completed }) => completed === 2,
    'one start each': (figures) => figure(figures, 'startsEach') === 1,
    'every death has a reason': (figures) => figure(figures, 'withoutReason') === 0,
    'no reason is endless': (figures) => figure(figures, 'longestReason') <= 2_000,
    'no answer ends the worker': (figures) => figure(figures, 'ends') === 0,
  },
  naiveBreaks: [
    'one start each',
    'every death has a reason',
    'no reason is endless',
    'no answer ends the worker',
  ],
});

testFault({
  id: 'F46',
  timeoutMs: 240_000,
  title: 'jobs grow until their worker runs out of memory, one of them each time, one of them twice',
  scenario: async (stage) => {
    const api = await stage.start('api');
    const small = { NODE_OPTIONS: '--max-old-space-size=96' };
    await stage.supervise({ ...shortLock, ...small, CHAOS_CONCURRENCY: '1' });
    await stage.place(api, { payload: { key: 'twice', does: 'grow', times: 2 } });
    await stage.place(api, { payload: { key: 'always', does: 'grow' } });
    for (const key of ['one', 'two', 'three']) await stage.place(api, { payload: { key } });
    const figures = await stage.settled(180_000);
    return { ...figures, startsOfThePoison: (await stage.happened('starts')).get('always') ?? 0 };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...effectsOnce,
    'two crashes are survived': ({ completed }) => completed === 4,
    'the poison ends as a dead letter': ({ dead }) => dead === 1,
    'the poison is given up soon': (figures) => figure(figures, 'startsOfThePoison') <= 5,
  },
  naiveBreaks: ['two crashes are survived'],
});

testFault({
  id: 'F47',
  title: 'a handler never ends and does not listen to its signal',
  scenario: async (stage) => {
    const [api] = await Promise.all([stage.start('api'), stage.start('worker', { CHAOS_CONCURRENCY: '1' })]);
    const options = { ...once, ...(stage.subject.name === 'holdfast' && { timeoutMs: 1_000 }) };
    await stage.place(api, { payload: { key: 'hangs', does: 'hang' }, options });
    await stage.untilStarted('hangs');
    for (const key of ['one', 'two', 'three']) await stage.place(api, { payload: { key } });
    return await stage.settled(20_000);
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...noGhosts,
    ...effectsOnce,
    'it dies': ({ dead }) => dead === 1,
    'others have their turn': ({ completed }) => completed === 3,
  },
  naiveBreaks: ['nothing is left behind', 'it dies', 'others have their turn'],
});
