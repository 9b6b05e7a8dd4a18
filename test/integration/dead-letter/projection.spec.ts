import { DeadLetterProjection } from '../../../src/platform/dead-letter/dead-letter-projection.service';
import { DeadLetterQueues } from '../../../src/platform/dead-letter/dead-letter-queues.service';
import { DeadLetterStore } from '../../../src/platform/dead-letter/dead-letter.store';
import { letteredJobsKey } from '../../../src/platform/queue/dead-letter-name';
import { QueueRegistry } from '../../../src/platform/queue/queue-registry.service';
import { eventually } from '../../support/eventually';
import { DeadLetterScene } from './dead-letter-scene';

describe('the queue that shows dead letters', () => {
  let scene: DeadLetterScene;
  let projection: DeadLetterProjection;

  beforeAll(async () => {
    scene = await DeadLetterScene.open();
    projection = scene.app.get(DeadLetterProjection);
    await scene.kill(['a', 'b', 'c', 'd']);
    await scene.kill(['e']);
    await scene.park();
  });
  afterAll(() => scene.close());

  const shown = async () => {
    const { queue } = scene.app.get(DeadLetterQueues).of(scene.entry);
    return (await queue.getWaiting()).map(({ id }) => String(id)).toSorted();
  };
  const newest = async (count: number) =>
    (await scene.letters())
      .slice(-count)
      .map(({ id }) => id)
      .toSorted();

  const named = async () => (await scene.redis.smembers(letteredJobsKey(scene.prefix, 'notes'))).toSorted();
  const jobsOfNewest = async (count: number) =>
    (await scene.letters())
      .slice(-count)
      .map(({ jobId }) => jobId)
      .toSorted();

  it('has one entry per dead letter, in the shape of document 003 and with what we know', async () => {
    await projection.turn();
    expect(await shown()).toEqual(await newest(5));
    const letter = (await scene.letters()).at(-1);
    const { queue } = scene.app.get(DeadLetterQueues).of(scene.entry);
    expect(queue.name).toBe('notes_dlq');
    const job = await queue.getJob(letter?.id ?? '');
    expect(job?.name).toBe(`dlq_${letter?.finishedAt}`);
    expect(job?.data).toMatchObject({
      data: { text: 'e' },
      jobData: { text: 'e' },
      reason: 'cannot write "e"',
      queue: 'notes',
      jobId: letter?.jobId,
      type: 'write-note',
      cause: 'attempts_used',
    });
  });

  it('is no queue of the registry, so that it has no job type, no worker and no backlog', () => {
    const names = scene.app
      .get(QueueRegistry)
      .all()
      .map(({ definition }) => definition.name);
    expect(names).toEqual(['notes']);
  });

  it('comes back after Redis has lost it, and follows what people decide', async () => {
    const queue = scene.app.get(DeadLetterQueues).of(scene.entry);
    await queue.queue.obliterate({ force: true });
    await projection.review(queue);
    await projection.turn();
    expect(await shown()).toEqual(await newest(5));
    // So do the names of their jobs, by which who ends jobs knows whose end has to be heard of.
    expect(await named()).toEqual(await jobsOfNewest(5));
    await scene.redis.del(letteredJobsKey(scene.prefix, 'notes'));
    await projection.review(queue);
    await projection.turn();
    expect(await named()).toEqual(await jobsOfNewest(5));
    const [letter] = await scene.letters();
    const store = scene.app.get(DeadLetterStore);
    await store.discard([letter?.id ?? ''], { by: 'tester', reason: 'not needed' });
    await projection.turn();
    expect(await shown()).toEqual(await newest(4));
    expect(await named()).toEqual(await jobsOfNewest(4));
    await store.restore([letter?.id ?? ''], { by: 'tester', reason: 'needed after all' });
    await projection.turn();
    expect(await shown()).toEqual(await newest(5));
  });

  it('holds the newest only, and more of them as soon as there is room', async () => {
    const queue = scene.app.get(DeadLetterQueues).of(scene.entry);
    await projection.review(queue, 3);
    await projection.turn();
    expect(await shown()).toEqual(await newest(3));
    await projection.review(queue, 4);
    await projection.turn();
    expect(await shown()).toEqual(await newest(4));
  });

  it('keeps the name of a job that died anew, whose first dead letter goes as the second one comes', async () => {
    const queue = scene.app.get(DeadLetterQueues).of(scene.entry);
    await projection.review(queue);
    await projection.turn();
    const last = (await scene.letters()).at(-1)!;
    await scene.queue.getJob(last.jobId).then((job) => job?.retry());
    await eventually(async () => {
      const diedAt = Number(await scene.redis.zscore(`${scene.base}:failed`, last.jobId));
      expect(diedAt).toBeGreaterThan(last.finishedAt);
    });
    await scene.park();
    await projection.turn();
    expect((await scene.letters()).filter(({ jobId }) => jobId === last.jobId)).toHaveLength(2);
    expect(await named()).toContain(last.jobId);
  });
});
