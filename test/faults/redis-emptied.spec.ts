import { figure, testFault } from './fault-test';

testFault({
  id: 'F22',
  title: 'somebody empties Redis',
  scenario: async (stage) => {
    const api = await stage.start('api');
    for (const key of ['one', 'two', 'three']) await stage.place(api, { payload: { key } });
    await stage.scene.redis.query((client) => client.flushall());
    const isNoticed = await stage.shows(api, '/health/ready', /empt|vanish|lost/i, 15_000);
    await stage.start('worker');
    await stage.placeUntilAccepted(api, { payload: { key: 'after' } });
    await stage.untilHappened(['after']);
    return { ...(await stage.figures()), noticed: isNoticed ? 1 : 0 };
  },
  promises: {
    'it is noticed': (figures) => figure(figures, 'noticed') === 1,
    'work goes on': ({ completed }) => completed >= 1,
  },
  naiveBreaks: ['it is noticed'],
});
