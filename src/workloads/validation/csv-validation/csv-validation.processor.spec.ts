import { Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import { newRunId } from '../run-id';
import { CsvValidationProcessor } from './csv-validation.processor';
import type { CsvValidationService } from './csv-validation.service';

describe('CsvValidationProcessor', () => {
  const run = jest.fn<ReturnType<CsvValidationService['run']>, Parameters<CsvValidationService['run']>>();
  const processor = new CsvValidationProcessor({
    run,
  } as Partial<CsvValidationService> as CsvValidationService);
  const data = { validationRunId: newRunId(), fileName: 'a.csv' };
  const jobOf = (more: object) =>
    ({
      id: 'validation_x',
      name: 'validate-file',
      data,
      opts: { attempts: 3 },
      attemptsMade: 0,
      ...more,
    }) as Job;

  beforeAll(() => Logger.overrideLogger(false));
  beforeEach(() => run.mockReset().mockResolvedValue({ status: 'completed' }));

  it('hands the run to the service and passes its outcome on', async () => {
    await expect(processor.process(jobOf({}))).resolves.toEqual({ status: 'completed' });
    expect(run.mock.calls[0]?.[0]).toBe(data.validationRunId);
  });

  it('says which attempt is the last', async () => {
    for (const attemptsMade of [0, 1, 2]) await processor.process(jobOf({ attemptsMade }));
    expect(run.mock.calls.map(([, job]) => job.isLastAttempt)).toEqual([false, false, true]);
  });

  it('reports progress to the job as a plain object', async () => {
    const updateProgress = jest.fn<Promise<void>, [object]>().mockResolvedValue();
    await processor.process(jobOf({ updateProgress }));
    await run.mock.calls[0]?.[1].reportProgress({ percent: 5, stage: 'parse', rows: 1 });
    expect(updateProgress).toHaveBeenCalledWith({ percent: 5, stage: 'parse', rows: 1 });
  });

  it('refuses a payload without a run before any work', async () => {
    await expect(processor.process(jobOf({ data: { fileName: 'a.csv' } }))).rejects.toThrow(
      '/validationRunId',
    );
    expect(run).not.toHaveBeenCalled();
  });
});
