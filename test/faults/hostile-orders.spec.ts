import { effectsOnce, figure, nothingLost, nothingPending, testFault } from './fault-test';
import type { Stage } from './stage';
import type { Answered } from './subject';
import type { ServerProcess } from '../support/process';

const settleDeadlineMs = 10_000;

// Every name that BullMQ keeps beside the jobs of a queue, and what else has broken one.
const reserved =
  'wait active delayed prioritized completed failed waiting-children stalled meta id pc limiter marker events repeat de metrics paused';
const hostileIds = [
  ...reserved.split(' '),
  'a:b',
  'a:b:c',
  'a:b:c:d',
  '0',
  '007',
  '-1',
  '1e3',
  '',
  '\0',
  'line\nbreak',
  '__proto__',
  'constructor',
  '<b>bold</b>',
  'x'.repeat(100_000),
];

/** How many callers were answered with a fault of the server. */
const serverFaults = (answers: readonly Answered[]) =>
  answers.filter(({ status }) => status === undefined || status >= 500).length;

/** One well-behaved order after all of it. */
async function expectHealth(stage: Stage, server: ServerProcess): Promise<number> {
  await stage.placeUntilAccepted(server, { payload: { key: 'canary' } }, 10_000).catch(() => '');
  return await stage.untilHappened(['canary'], 10_000).then(
    () => 1,
    () => 0,
  );
}

const healthy = { 'the queue stays healthy': (figures: Record<string, number>) => figures['healthy'] === 1 };
const noFaults = {
  'nobody causes a fault of the server': (figures: Record<string, number>) => figures['serverFaults'] === 0,
};

testFault({
  id: 'A01',
  title: 'callers name their jobs after the keys of BullMQ',
  scenario: async (stage) => {
    const server = await stage.start('all');
    const answers: Answered[] = [];
    for (const [at, jobId] of hostileIds.entries()) {
      answers.push(
        await stage.place(server, { payload: { key: `hostile ${at}` }, options: { jobId } }, 3_000),
      );
    }
    const isHealthy = await expectHealth(stage, server);
    const figures = await stage.settled(settleDeadlineMs);
    return { ...figures, serverFaults: serverFaults(answers), healthy: isHealthy };
  },
  promises: { ...nothingLost, ...nothingPending, ...effectsOnce, ...noFaults, ...healthy },
  naiveBreaks: ['nobody causes a fault of the server', 'the queue stays healthy'],
});

testFault({
  id: 'A02',
  title: 'two hundred callers send the same job at once, and twenty another one under its key',
  scenario: async (stage) => {
    const server = await stage.start('all');
    const options = { jobId: 'the same' };
    const same = await Promise.all(
      Array.from({ length: 200 }, () => stage.place(server, { payload: { key: 'same' }, options })),
    );
    const others = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        stage.place(server, { payload: { key: `other ${at}` }, options }),
      ),
    );
    const isHealthy = await expectHealth(stage, server);
    const figures = await stage.settled(settleDeadlineMs);
    return {
      ...figures,
      jobs: new Set(same.map(({ id }) => id)).size,
      conflicts: others.filter(({ status }) => status === 409 || status === 422).length,
      serverFaults: serverFaults([...same, ...others]),
      healthy: isHealthy,
    };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...effectsOnce,
    ...noFaults,
    ...healthy,
    'the same job is one job': (figures) => figure(figures, 'jobs') === 1,
    'another job under its key is refused': (figures) => figure(figures, 'conflicts') === 20,
  },
  naiveBreaks: ['another job under its key is refused'],
});

const hostileOptions: readonly Record<string, unknown>[] = [
  { parent: { id: 'any', queue: 'bull:chaos' } },
  { repeat: { every: 1_000 } },
  { delay: 1e20 },
  { delay: -1 },
  { delay: 1.5 },
  { delay: '5' },
  { attempts: 1e9 },
  { attempts: 0 },
  { attempts: '3' },
  { priority: -1 },
  { priority: 2_097_152 },
  { backoff: { type: 'nope', delay: 1 } },
  { backoff: { type: 'fixed', delay: 1e15 } },
  { timestamp: 1 },
  { lifo: true },
  { sizeLimit: 1 },
  { deduplication: { id: 'any' } },
  { stackTraceLimit: 1e9 },
  { origin: { tenant: 'another' } },
  { unknown: true },
];

testFault({
  id: 'A17',
  title: 'callers pass options that are none of theirs, or that nobody can mean',
  scenario: async (stage) => {
    const server = await stage.start('all');
    const answers: Answered[] = [];
    for (const [at, options] of hostileOptions.entries()) {
      answers.push(await stage.place(server, { payload: { key: `hostile ${at}` }, options }, 3_000));
    }
    const isHealthy = await expectHealth(stage, server);
    const figures = await stage.settled(settleDeadlineMs);
    const refused = answers.filter(({ status }) => status === 400 || status === 422);
    return {
      ...figures,
      taken: answers.length - refused.length,
      serverFaults: serverFaults(answers),
      healthy: isHealthy,
    };
  },
  promises: {
    ...nothingLost,
    ...nothingPending,
    ...effectsOnce,
    ...noFaults,
    ...healthy,
    'not one of them is taken': (figures) => figure(figures, 'taken') === 0,
  },
  naiveBreaks: ['not one of them is taken'],
});
