import { eventually } from '../support/eventually';
import { TcpProxy } from '../support/tcp-proxy';
import { effectsOnce, noGhosts, nothingLost, nothingPending, testFault } from './fault-test';
import type { Stage } from './stage';
import type { ServerProcess } from '../support/process';

const order = { payload: { key: 'cut off' }, idempotencyKey: 'the only one' };
// As the payload of the job itself is written, and nothing else.
const inTheAdd = '{"key":"cut off"';
const settleDeadlineMs = 30_000;

interface Cut {
  readonly api: ServerProcess;
  readonly proxy: TcpProxy;
  readonly placing: Promise<unknown>;
}

/** An order whose job has reached Redis, while the answer of Redis has reached nobody. */
async function placeAndLoseTheReply(stage: Stage): Promise<Cut> {
  const proxy = await TcpProxy.start(stage.scene.redis.port);
  const api = await stage.start('api', { REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
  const lost = proxy.lose(inTheAdd, 'reply is lost');
  const placing = stage.place(api, order);
  await lost;
  await eventually(async () => expect((await stage.jobs()).length).toBeGreaterThan(0), settleDeadlineMs);
  return { api, proxy, placing };
}

testFault({
  id: 'F08',
  title: 'the server is killed between an add and its answer, and the caller asks again',
  scenario: async (stage) => {
    const { api, proxy, placing } = await placeAndLoseTheReply(stage);
    await api.kill();
    await placing;
    await proxy.close();
    const server = await stage.start('all');
    await stage.placeUntilAccepted(server, order);
    return await stage.settled(settleDeadlineMs);
  },
  promises: { ...nothingLost, ...nothingPending, ...noGhosts, ...effectsOnce },
  naiveBreaks: ['no effect happens twice'],
});

testFault({
  id: 'F09',
  title: 'the answer of Redis to an add is lost with its connection',
  scenario: async (stage) => {
    const { api, proxy, placing } = await placeAndLoseTheReply(stage);
    proxy.cut();
    await placing;
    await stage.placeUntilAccepted(api, order);
    await stage.start('worker');
    const figures = await stage.settled(settleDeadlineMs);
    await proxy.close();
    return figures;
  },
  promises: { ...nothingLost, ...nothingPending, ...noGhosts, ...effectsOnce },
  naiveBreaks: ['no effect happens twice'],
});
