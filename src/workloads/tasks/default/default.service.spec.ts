import { jest } from '@jest/globals';
import { DefaultService, type ProgressReport } from './default.service';

describe('the work of a test job', () => {
  const report = jest.fn<ProgressReport>(() => Promise.resolve());
  const service = new DefaultService();
  const never = new AbortController().signal;

  beforeEach(() => report.mockClear());

  it('answers with its message, the time and the duration', async () => {
    const result = await service.runTestJob({ message: 'hello' }, report, never);
    expect(result).toEqual({
      message: 'hello',
      processedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      durationMs: expect.any(Number),
    });
    expect(report.mock.calls).toEqual([[100]]);
  });

  it('takes as long as it is told, and reports at most ten times a second', async () => {
    const { durationMs } = await service.runTestJob({ message: 'slow', delay: 300 }, report, never);
    expect(durationMs).toBeGreaterThanOrEqual(299);
    expect(report.mock.calls).toEqual([[33], [67], [100]]);
  });

  it('fails when told to, before it reports the end', async () => {
    const failing = service.runTestJob({ message: 'no', shouldFail: true }, report, never);
    await expect(failing).rejects.toThrow('shouldFail');
    expect(report).not.toHaveBeenCalled();
  });

  it('stops as soon as its signal says so', async () => {
    const controller = new AbortController();
    const working = service.runTestJob({ message: 'long', delay: 60_000 }, report, controller.signal);
    controller.abort('enough');
    await expect(working).rejects.toMatchObject({ name: 'AbortError' });
  });
});
