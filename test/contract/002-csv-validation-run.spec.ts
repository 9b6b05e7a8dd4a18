import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Queue } from 'bullmq';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { RedisConnections } from '../../src/platform/redis/redis-connections.service';
import { CsvValidationProducer } from '../../src/workloads/validation/csv-validation/csv-validation.producer';
import { PassRunner } from '../../src/workloads/validation/csv-validation/pass-runner';
import type { ValidationPassProgress } from '../../src/workloads/validation/csv-validation/validation-pass-contract';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';
import { ValidationClient, type RunBody } from '../support/validation-client';
import { holdTable } from './table-locks';

type Pass = PassRunner['run'];

interface Progress {
  readonly stage: string;
  readonly percent: number;
}

// Where each stage begins and ends in the document.
const bands: Record<string, readonly [number, number]> = {
  parse: [0, 50],
  store: [50, 75],
  rules: [75, 90],
  results: [90, 100],
};
// Many times what fits between the file and a table that takes nothing, so that reading stops early in the file.
const longFile = `id,name\n${'1,abcdefghijkl\n'.repeat(600_000)}`;

const isInItsBand = ({ stage, percent }: Progress) => {
  const [from = 0, to = -1] = bands[stage] ?? [];
  return percent >= from && percent <= to;
};
const rises = (values: readonly number[]) =>
  values.every((value, at) => at === 0 || value >= values[at - 1]!);

describe('document 002, a run and its worker', () => {
  let server: TestServer;
  let client: ValidationClient;
  let queue: Queue;

  beforeAll(async () => {
    server = await startTestServer();
    client = new ValidationClient(server.url);
    queue = server.app.get(QueueRegistry).get('validation')!.queue;
  });

  afterAll(() => server.close());
  afterEach(() => jest.restoreAllMocks());

  const hold = (table: string) => holdTable(server.settings.DATABASE_URL ?? '', table);
  const runner = () => server.app.get(PassRunner, { strict: false });
  const replacePass = (run: Pass) => jest.spyOn(runner() as { run: Pass }, 'run').mockImplementation(run);

  async function seen(id: string, stage: string): Promise<Progress> {
    let run: RunBody | undefined;
    await eventually(async () => expect((run = await client.read(id))['stage']).toBe(stage), 10_000);
    return { stage, percent: run!.progress };
  }

  /** More than the time between two reports of the engine. */
  async function nextHeartbeat(id: string): Promise<void> {
    const tag = async () => (await client.call(`/api/validations/${id}`)).headers.get('etag');
    const before = await tag();
    await eventually(async () => expect(await tag()).not.toBe(before), 5_000);
  }

  /** Every progress that the job has told, from the queue's own event stream. */
  async function toldBy(job: string): Promise<Progress[]> {
    const entries = await server.app
      .get(RedisConnections)
      .producer.xrange(`${queue.opts.prefix}:validation:events`, '-', '+');
    const events = entries.map(([, fields]) =>
      Object.fromEntries(fields.map((field, at) => [field, fields[at + 1]])),
    );
    return events
      .filter(({ event, jobId }) => event === 'progress' && jobId === job)
      .map(({ data }) => JSON.parse(data ?? '') as Progress);
  }

  it('progress moves through 0–50 parse, 50–75 store, 75–90 rules and 90–100 results, for engine, run and job', async () => {
    const reports: ValidationPassProgress[] = [];
    const real = runner().run;
    replacePass((input, hooks) =>
      real(input, {
        ...hooks,
        onProgress: (report) => {
          reports.push(report);
          hooks.onProgress(report);
        },
      }),
    );
    const [letRowsIn, letFindingsIn] = [await hold('validation_rows'), await hold('validation_findings')];
    const id = await client.upload(longFile);
    const early = await seen(id, 'parse');
    await nextHeartbeat(id);
    await letRowsIn();
    const late = await seen(id, 'results');
    const producer = server.app.get(CsvValidationProducer, { strict: false });
    const status = await producer.getJobStatus(`validation-${id}`);
    await letFindingsIn();
    const run = await client.until(id, ['completed']);

    expect([early, late].every(isInItsBand)).toBe(true);
    expect(status).toMatchObject({ state: 'active', progress: late.percent });
    expect(run).toMatchObject({ progress: 100, rows: { read: 600_000 } });
    expect(reports.map(({ stage }) => stage)).toEqual(expect.arrayContaining(['parse', 'rules', 'results']));
    expect(reports.some(({ percent }) => percent > 0 && percent < 50)).toBe(true);
    // The run is over a moment before its job.
    await eventually(async () => expect((await queue.getJob(run.jobId))?.finishedOn).toBeDefined());
    const told = await toldBy(run.jobId);
    expect(told.at(-1)).toMatchObject({ stage: 'results', percent: 100 });
    for (const list of [reports, told]) {
      expect(list.filter((one) => !isInItsBand(one))).toEqual([]);
      expect(rises(list.map(({ percent }) => percent))).toBe(true);
    }
    expect(rises(reports.map(({ rowsRead }) => rowsRead))).toBe(true);
  });

  it('three attempts, at once, after 2 s and after 4 s; then the run is failed, with its reason and its upload', async () => {
    const startedAt: number[] = [];
    const statuses: string[] = [];
    replacePass(async ({ runId }) => {
      startedAt.push(performance.now());
      statuses.push((await client.read(runId)).status);
      throw new Error('Permanent failure');
    });
    const id = await client.upload('id\n1\n');
    const run = await client.until(id, ['failed'], 20_000);
    const [first = 0, second = 0, third = 0] = startedAt;
    expect(startedAt).toHaveLength(3);
    expect(second - first).toBeGreaterThanOrEqual(1_990);
    expect(third - second).toBeGreaterThanOrEqual(3_990);
    expect(statuses).toEqual(['processing', 'processing', 'processing']);
    expect(run.errorMessage).toBe('The validation stopped unexpectedly (Error).');
    await eventually(async () => {
      const job = await queue.getJob(run.jobId);
      expect(job).toMatchObject({ attemptsMade: 3, failedReason: run.errorMessage });
      expect(await queue.getFailedCount()).toBe(1);
    });
    const uploads = join(server.settings.home, 'storage', 'validation-uploads');
    await mkdir(uploads, { recursive: true });
    expect(
      (await readdir(uploads, { recursive: true })).filter((name) => name.endsWith('.csv')),
    ).toHaveLength(1);
  }, 40_000);
});
