import type { Job } from 'bullmq';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../config/read-settings';
import { defineQueue } from '../queue/define-queue';
import { MAX_RESULT_BYTES, ResultTooLargeError } from '../queue/job-outcome';
import { FileStorage } from '../storage/file-storage.service';
import { MAX_STORED_RESULT_BYTES, ResultStep } from './result-step.service';
import { referenceOf } from './result-reference';

describe('what becomes of a large result', () => {
  let home = '';
  let step: ResultStep;
  const queue = defineQueue({
    name: 'notes',
    domain: 'test',
    description: 'Notes.',
    jobs: {},
    worker: { concurrency: 1 },
  });

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'holdfast-results-'));
    step = new ResultStep(new FileStorage(readSettings({ HOLDFAST_HOME: home })));
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  const settle = (result: unknown, id = 'notes_1') =>
    step.settle({ id, attemptsStarted: 2, processedOn: 5, opts: {} } as Job, queue, result);
  const stored = () => readdir(join(home, 'storage', 'results', 'default')).catch(() => []);

  it('stays itself up to the limit of a job, and where it is no JSON', async () => {
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    const results = [undefined, null, 7, 'text', { a: 1 }, 'x'.repeat(MAX_RESULT_BYTES - 2), cyclic, 5n];
    for (const result of results) expect(await settle(result)).toBe(result);
    expect(await stored()).toEqual([]);
  });

  it('is stored beyond the limit, by the number and time of its start', async () => {
    const reference = await settle('x'.repeat(MAX_RESULT_BYTES - 1));
    expect(reference).toMatchObject({ stored: true, bytes: MAX_RESULT_BYTES + 1, file: 'notes_1.2-5.json' });
    expect(referenceOf('notes_1', reference)).toBe(reference);
    expect(referenceOf('notes_2', reference)).toBeUndefined();
    expect(await stored()).toEqual(['notes_1.2-5.json']);
  });

  it('is refused when it is larger than any that is kept, and left alone when its job cannot name a file', async () => {
    await expect(settle('x'.repeat(MAX_STORED_RESULT_BYTES))).rejects.toThrow(ResultTooLargeError);
    await expect(settle('x'.repeat(MAX_STORED_RESULT_BYTES))).rejects.toThrow('at most 67108864 are kept');
    const large = 'x'.repeat(MAX_RESULT_BYTES);
    expect(await settle(large, '../notes')).toBe(large);
    expect(await stored()).toHaveLength(1);
  });
});
