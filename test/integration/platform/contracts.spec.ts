import { InjectQueue, Processor } from '@nestjs/bullmq';
import { Injectable, Module, type Type } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { Queue } from 'bullmq';
import { IsArray, IsString } from 'class-validator';
import { ContractsModule } from '../../../src/platform/contracts/contracts.module';
import { JobDeathError } from '../../../src/platform/queue/death-cause';
import { defineQueue, type JobDefinition } from '../../../src/platform/queue/define-queue';
import { JobConsumer, type JobHandlers } from '../../../src/platform/queue/job-consumer';
import { JobProducer } from '../../../src/platform/queue/job-producer';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { QueueModule } from '../../../src/platform/queue/queue.module';
import { QueueRegistry } from '../../../src/platform/queue/queue-registry.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { eventually } from '../../support/eventually';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

class FirstLetter {
  @IsString()
  to!: string;
}

class SecondLetter {
  @IsArray()
  @IsString({ each: true })
  to!: string[];
}

interface Release {
  readonly module: Type;
  /** What the handlers of this release were given. */
  readonly sent: unknown[];
  readonly send: (app: TestingModule, payload: object) => Promise<string>;
}

/** What one release of the code declares of the queue. */
function release(job: JobDefinition): Release {
  const sent: unknown[] = [];
  const letters = defineQueue({
    name: 'letters',
    domain: 'test',
    description: 'Letters of two releases.',
    jobs: { 'send-letter': job },
    worker: { concurrency: 5 },
  });

  @Injectable()
  class LettersProducer extends JobProducer<typeof letters> {
    constructor(@InjectQueue(letters.name) queue: Queue) {
      super(letters, queue);
    }

    async send(payload: object): Promise<string> {
      return (await this.add('send-letter', payload)).id ?? '';
    }
  }

  @Processor(letters.name)
  class LettersProcessor extends JobConsumer<typeof letters> {
    constructor() {
      super(letters);
    }

    protected readonly handlers: JobHandlers<typeof letters> = {
      'send-letter': ({ data }) => {
        sent.push(data);
        return Promise.resolve(sent.length);
      },
    };
  }

  @Module({
    imports: [QueueModule.forQueue(letters), ContractsModule],
    providers: [LettersProducer, LettersProcessor],
  })
  class LettersModule {}

  return { module: LettersModule, sent, send: (app, payload) => app.get(LettersProducer).send(payload) };
}

const listed = ({ to }: Record<string, unknown>) => ({ to: [to] });

describe('versions of a payload on a real Redis', () => {
  const apps = new Set<TestingModule>();
  const deaths: { id: string | undefined; cause: unknown; reason: string }[] = [];
  let prefix = '';

  beforeEach(() => {
    prefix = randomPrefix();
    deaths.length = 0;
  });
  afterEach(async () => {
    for (const app of apps) await app.close();
    apps.clear();
    const cleaner = await startQueueApp([], { REDIS_PREFIX: prefix });
    await removeKeys(cleaner, prefix);
    await cleaner.close();
  });

  async function start({ module }: Release, isWorking = true): Promise<TestingModule> {
    const app = await startQueueApp([module], { REDIS_PREFIX: prefix });
    apps.add(app);
    app.get(WorkerRunner).onFailure((job, error, isFinal) => {
      if (!isFinal) return;
      deaths.push({
        id: job.id,
        cause: error instanceof JobDeathError ? error.deathCause : undefined,
        reason: job.failedReason,
      });
    });
    if (isWorking) app.get(WorkerRunner).startChosen();
    return app;
  }
  const first = () => release({ payload: FirstLetter });
  const second = () => release({ payload: SecondLetter, version: 2, upcast: { 1: listed } });
  const read = (app: TestingModule, id: string) => app.get(JobReader).read(id);

  it('are brought up to what a newer worker declares', async () => {
    const [old, young] = [first(), second()];
    const id = await old.send(await start(old, false), { to: 'a' });
    const app = await start(young);
    await eventually(async () => expect((await read(app, id))?.state).toBe('completed'));
    const newId = await young.send(app, { to: ['b', 'c'] });
    await eventually(async () => expect((await read(app, newId))?.state).toBe('completed'));
    expect(young.sent).toEqual([{ to: ['a'] }, { to: ['b', 'c'] }]);
    // What is stored stays as its producer wrote it.
    expect((await read(app, id))?.data).toBe('{"to":"a"}');
  });

  it('F48: in a rolling deploy an older worker gives newer jobs back, unharmed, and goes on with its own', async () => {
    const [old, young] = [first(), second()];
    const oldApp = await start(old);
    const youngApp = await start(young, false);
    const newer = await Promise.all(['a', 'b', 'c'].map((to) => young.send(youngApp, { to: [to] })));
    await eventually(async () => {
      for (const id of newer) {
        expect(await read(oldApp, id)).toMatchObject({
          state: 'delayed',
          attemptsMade: 0,
          starts: 1,
          attempts: [{ start: 1, outcome: 'given_back' }],
        });
      }
    });
    // Far more returns than the starts that a job may have otherwise.
    const queue = oldApp.get(QueueRegistry).get('letters')?.queue;
    const [often = ''] = newer;
    for (let starts = 2; starts <= 12; starts += 1) {
      await (await queue?.getJob(often))?.promote();
      await eventually(async () => {
        expect(await read(oldApp, often)).toMatchObject({ state: 'delayed', attemptsMade: 0, starts });
      });
    }
    const own = await old.send(oldApp, { to: 'mine' });
    await eventually(async () => expect((await read(oldApp, own))?.state).toBe('completed'));
    await oldApp.close();
    apps.delete(oldApp);
    // By now it waits for up to half a minute each time.
    await (await youngApp.get(QueueRegistry).get('letters')?.queue.getJob(often))?.promote();
    youngApp.get(WorkerRunner).startChosen();
    await eventually(async () => {
      for (const id of newer) {
        expect(await read(youngApp, id)).toMatchObject({ state: 'completed', attemptsMade: 1 });
      }
    }, 10_000);
    expect(old.sent).toEqual([{ to: 'mine' }]);
    expect(young.sent).toHaveLength(3);
    expect(young.sent).toEqual(expect.arrayContaining([{ to: ['a'] }, { to: ['b'] }, { to: ['c'] }]));
    const handled = [...old.sent, ...young.sent].map((letter) => JSON.stringify(letter));
    const [accepted, completed] = [newer.length + 1, new Set(handled).size];
    const figures = { dead: deaths.length, lost: accepted - completed, twice: handled.length - completed };
    expect(figures).toEqual({ dead: 0, lost: 0, twice: 0 });
    process.stdout.write(
      `F48 accepted=${accepted} completed=${completed} dead=${figures.dead} lost=${figures.lost} duplicate_effects=${figures.twice}\n`,
    );
  });

  it('die once, and as refused, when a step throws', async () => {
    const old = first();
    const id = await old.send(await start(old, false), { to: 'a' });
    const broken = release({
      payload: SecondLetter,
      version: 2,
      upcast: {
        1: () => {
          throw new Error('no such address');
        },
      },
    });
    const app = await start(broken);
    await eventually(() => expect(deaths).toHaveLength(1));
    expect(deaths).toEqual([
      {
        id,
        cause: 'contract_refused',
        reason: 'payload of job "send-letter" cannot go from version 1 to 2: Error: no such address',
      },
    ]);
    expect(await read(app, id)).toMatchObject({
      state: 'failed',
      attemptsMade: 1,
      starts: 1,
      attempts: [{ start: 1, outcome: 'failed', cause: 'contract_refused' }],
    });
    expect(broken.sent).toEqual([]);
  });

  it('die once, and as refused, when the payload is not what its class says', async () => {
    const young = second();
    const app = await start(young);
    const queue = app.get(QueueRegistry).get('letters')?.queue;
    const strange = await queue?.addBulk([
      { name: 'send-letter', data: { to: ['a'], extra: 1 }, opts: { attempts: 3, jobId: 'letters_1' } },
      { name: 'send-letter', data: { to: { $gt: '' } }, opts: { attempts: 3, jobId: 'letters_2' } },
      {
        name: 'send-letter',
        data: { to: ['a'] },
        opts: { attempts: 3, jobId: 'letters_3', origin: { version: 'x' } } as object,
      },
    ]);
    await eventually(() => expect(deaths).toHaveLength(3));
    expect(new Set(deaths.map(({ cause }) => cause))).toEqual(new Set(['contract_refused']));
    expect(await queue?.getJobCounts('failed', 'completed', 'wait', 'delayed', 'active')).toEqual({
      failed: strange?.length,
      completed: 0,
      wait: 0,
      delayed: 0,
      active: 0,
    });
    expect(young.sent).toEqual([]);
  });
});
