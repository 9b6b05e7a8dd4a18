import type { TestingModule } from '@nestjs/testing';
import { FIRST_POSITION, JobSets } from '../../../src/platform/queue/job-sets.service';
import { QueueRegistry, type RegisteredQueue } from '../../../src/platform/queue/queue-registry.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { NotesModule, NotesProducer, notesQueue } from '../../support/notes-queue';
import { removeKeys, startQueueApp } from '../../support/queue-app';

describe('the sets of finished jobs', () => {
  let app: TestingModule;
  let entry: RegisteredQueue;
  let prefix: string;

  beforeAll(async () => {
    app = await startQueueApp([NotesModule]);
    entry = app.get(QueueRegistry).get(notesQueue.name)!;
    prefix = entry.queue.opts.prefix!;
  });

  afterAll(async () => {
    await removeKeys(app, prefix);
    await app.close();
  });

  const keyOf = (name: string) => `${prefix}:${notesQueue.name}:${name}`;
  const redis = () => app.get(RedisConnections).producer;
  const after = (score: string, id = '', limit = 100) =>
    app.get(JobSets).finishedAfter(entry, 'completed', { score, id }, limit);

  it('are read in order, each job once, however many finished in the same millisecond', async () => {
    const ids = await Promise.all(
      Array.from({ length: 25 }, (_, number) => app.get(NotesProducer, { strict: false }).write(`${number}`)),
    );
    await Promise.all(
      ids.map((id, index) => redis().zadd(keyOf('completed'), index < 20 ? 1_000 : 2_000, id)),
    );
    const seen: string[] = [];
    for (let at = FIRST_POSITION; ;) {
      const page = await after(at.score, at.id, 7);
      const places = await app.get(JobSets).page(entry, 'completed', at, 7);
      expect(places).toEqual(page.map((job) => ({ id: job.id, score: String(job.finishedAt) })));
      seen.push(...page.map(({ id }) => id));
      const last = page.at(-1);
      if (last === undefined) break;
      expect(last.snapshot).toMatchObject({ id: last.id, state: 'completed', type: 'write-note' });
      at = places.at(-1)!;
    }
    expect(seen.toSorted()).toEqual(ids.toSorted());
    expect(new Set(seen).size).toBe(25);
  });

  it('tell an id without a job by its id alone, whatever stands in its place', async () => {
    await redis().zadd(keyOf('completed'), 5_000, 'notes_gone', 5_000, 'meta-of-somebody');
    await redis().set(keyOf('meta-of-somebody'), 'no hash');
    expect(await after('4999')).toEqual([
      { id: 'meta-of-somebody', finishedAt: 5_000 },
      { id: 'notes_gone', finishedAt: 5_000 },
    ]);
  });
});
