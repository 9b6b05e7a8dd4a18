import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { UnreadableFileError } from '../../../src/integrations/csv/unreadable-file';
import { DatabaseUnavailableError } from '../../../src/platform/database/database-unavailable.error';
import { Database } from '../../../src/platform/database/database.service';
import { HopelessJobError } from '../../../src/platform/queue/job-outcome';
import { FileStorage } from '../../../src/platform/storage/file-storage.service';
import {
  CsvValidationService,
  type ValidationJob,
} from '../../../src/workloads/validation/csv-validation/csv-validation.service';
import { PassRunner } from '../../../src/workloads/validation/csv-validation/pass-runner';
import { StaleAttemptError } from '../../../src/workloads/validation/csv-validation/validation-pass-store';
import { newRunId } from '../../../src/workloads/validation/run-id';
import { ValidationAttemptStore } from '../../../src/workloads/validation/validation-attempt.store';
import { reportOf, uploadOf } from '../../../src/workloads/validation/validation-files';
import { ValidationLogStore } from '../../../src/workloads/validation/validation-log.store';
import { ValidationRunStore } from '../../../src/workloads/validation/validation-run.store';
import { validationRuns } from '../../../src/workloads/validation/validation.tables';
import { eventually } from '../../support/eventually';
import { startTestServer, type TestServer } from '../../support/server';

type Pass = PassRunner['run'];

const canary = 'canary-4711';
const result = { rows: { read: 1, valid: 1, invalid: 0 } } as Awaited<ReturnType<Pass>>;

describe('one attempt of a validation', () => {
  let server: TestServer;
  let runs: ValidationRunStore;
  let storage: FileStorage;
  let database: Database;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api' });
    runs = server.app.get(ValidationRunStore, { strict: false });
    storage = server.app.get(FileStorage);
    database = server.app.get(Database);
  });

  afterAll(() => server.close());

  const service = (run: Pass) =>
    new CsvValidationService(
      server.app.get(ValidationAttemptStore, { strict: false }),
      server.app.get(ValidationLogStore, { strict: false }),
      storage,
      database,
      server.settings,
      Object.assign(new PassRunner(), { run }),
    );

  const job = (isLastAttempt = false): ValidationJob => ({
    isLastAttempt,
    reportProgress: () => Promise.resolve(),
  });

  const stored = async () => {
    const run = { id: newRunId(), tenant: 'default', fileId: randomUUID() };
    await database.query.insert(validationRuns).values({ ...run, fileName: 'a.csv' });
    await writeFile((await storage.localCopy(uploadOf(run))).path, 'id\n1\n');
    return run;
  };

  const failing = (error: Error): Pass =>
    async function fail() {
      throw error;
    };
  const never = new AbortController().signal;

  /** A pass that ends only when it is told to stop. */
  const endless: Pass = (_input, { signal }) =>
    new Promise((_resolve, reject) => {
      const stop = () => reject(new Error('stopped'));
      signal.addEventListener('abort', stop, { once: true });
      // On a slow machine it was told before it began.
      if (signal.aborted) stop();
    });

  it('goes back to the queue after an error, and fails at the last attempt; neither tells what the file holds', async () => {
    const run = await stored();
    const error = Object.assign(new Error(`invalid input: "${canary}"`), { code: '22P02', detail: canary });
    const message = 'The validation stopped unexpectedly (22P02).';
    await expect(service(failing(error)).run(run.id, job(), never)).rejects.toThrow(message);
    expect(await runs.find(run.id)).toMatchObject({ status: 'queued', attempt: 1, errorMessage: message });
    const last = await service(failing(error))
      .run(run.id, job(true), never)
      .catch((thrown: Error) => thrown);
    expect(String((last as Error).stack)).not.toContain(canary);
    expect(await runs.find(run.id)).toMatchObject({ status: 'failed', attempt: 2, errorMessage: message });
    const logs = await server.app.get(ValidationLogStore, { strict: false }).list(run.id, { limit: 50 });
    expect(JSON.stringify(logs)).not.toContain(canary);
    expect(await storage.has(uploadOf(run))).toBe(true);
  });

  it('fails at once on a file that no further attempt can read', async () => {
    const run = await stored();
    const error = new UnreadableFileError('binary_file', 'This is not a text.');
    await expect(service(failing(error)).run(run.id, job(), never)).rejects.toBeInstanceOf(HopelessJobError);
    expect(await runs.find(run.id)).toMatchObject({ status: 'failed', errorMessage: 'This is not a text.' });
  });

  it('gives the run back, with no error, when its worker stops', async () => {
    const run = await stored();
    const stop = new AbortController();
    const running = service(endless).run(run.id, job(true), stop.signal);
    await eventually(async () => expect((await runs.find(run.id))?.status).toBe('processing'));
    stop.abort('worker is shutting down');
    await expect(running).rejects.toThrow('interrupted');
    expect(await runs.find(run.id)).toMatchObject({ status: 'queued', errorMessage: null, progress: 0 });
  });

  it('stops soon after the run was cancelled, and deletes the upload', async () => {
    const run = await stored();
    const running = service(endless).run(run.id, job(), never);
    await eventually(async () => expect((await runs.find(run.id))?.status).toBe('processing'));
    await runs.cancel(run.id);
    await expect(running).resolves.toEqual({ status: 'cancelled' });
    expect(await storage.has(uploadOf(run))).toBe(false);
  });

  it('stops silently when another attempt has taken the run over', async () => {
    const run = await stored();
    const first = service(endless).run(run.id, job(), never);
    await eventually(async () => expect((await runs.find(run.id))?.attempt).toBe(1));
    const second = await service(() => Promise.resolve(result)).run(run.id, job(), never);
    expect(second.status).toBe('completed');
    await expect(first).resolves.toEqual({ status: 'superseded' });
    await expect(service(failing(new StaleAttemptError())).run(run.id, job(), never)).resolves.toEqual({
      status: 'superseded',
    });
  });

  it('has nothing to do for a run that is over, and no hope for one that does not exist', async () => {
    const run = await stored();
    await runs.cancel(run.id);
    await expect(service(endless).run(run.id, job(), never)).resolves.toEqual({ status: 'cancelled' });
    await expect(service(endless).run(newRunId(), job(), never)).rejects.toBeInstanceOf(HopelessJobError);
  });

  it('keeps a result whose commit went through although its answer was lost', async () => {
    const run = await stored();
    const committed: Pass = async ({ reportPath }) => {
      await writeFile(reportPath, 'report');
      await database.query.update(validationRuns).set({ status: 'completed' });
      throw new DatabaseUnavailableError('Connection terminated');
    };
    await expect(service(committed).run(run.id, job(), never)).resolves.toEqual({ status: 'completed' });
    expect(await storage.has(reportOf({ ...run, attempt: 1 }))).toBe(true);
    expect(await storage.has(uploadOf(run))).toBe(false);
  });

  it('begins a failed run anew when its job is sent back', async () => {
    const run = await stored();
    await service(failing(new Error('x')))
      .run(run.id, job(true), never)
      .catch(() => undefined);
    await service(() => Promise.resolve(result)).run(run.id, job(), never);
    expect(await runs.find(run.id)).toMatchObject({ status: 'processing', attempt: 2, errorMessage: null });
  });

  it('writes its progress to the run and to the job, in the words of the document', async () => {
    const run = await stored();
    const told: object[] = [];
    let finish = (): void => undefined;
    const pass: Pass = (_input, { onProgress }) =>
      new Promise((resolve) => {
        onProgress({ stage: 'rules', percent: 80.125, rowsRead: 7, findings: 3 });
        finish = () => resolve(result);
      });
    const running = service(pass).run(
      run.id,
      { ...job(), reportProgress: async (one) => void told.push(one) },
      never,
    );
    await eventually(async () =>
      expect(await runs.find(run.id)).toMatchObject({
        stage: 'rules',
        progress: 80.13,
        rowsRead: 7,
        findingsSoFar: 3,
      }),
    );
    finish();
    await running;
    expect(told).toEqual([
      { stage: 'rules', percent: 80.125, rows: 7 },
      { stage: 'results', percent: 100, rows: 1 },
    ]);
  });
});
