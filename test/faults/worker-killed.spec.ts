import { noGhosts, nothingLost, nothingPending, testFault } from './fault-test';

// What the issue promises; Holdfast's own lock and stalled check, nothing is shortened.
const recoveryMs = 30_000;

testFault({
  id: 'F01',
  title: 'a worker is killed after the effect of its job, before the job is done',
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
    'another worker takes over within 30 s': (figures) => (figures['recoveryMs'] ?? Infinity) <= recoveryMs,
  },
  naiveBreaks: ['nothing is left behind', 'another worker takes over within 30 s'],
});
