import { jest } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { UnrecoverableError, type Job } from 'bullmq';
import { DefaultProcessor } from './default.processor';
import { DefaultService } from './default.service';

describe('DefaultProcessor', () => {
  const runTestJob = jest.fn<DefaultService['runTestJob']>();
  const updateProgress = jest.fn<Job['updateProgress']>(() => Promise.resolve());
  const job = (name: string, data: object) => ({
    id: 'default_x',
    queueName: 'default',
    name,
    data,
    opts: {},
    attemptsMade: 0,
    updateProgress,
  });

  const setup = async () => {
    const moduleRef = await Test.createTestingModule({
      providers: [DefaultProcessor, { provide: DefaultService, useValue: { runTestJob } }],
    }).compile();
    moduleRef.useLogger(false);
    const processor = moduleRef.get(DefaultProcessor);
    return (one: object) => processor.process(one as Job);
  };

  it('hands a test job to its service, and the progress of it to BullMQ', async () => {
    runTestJob.mockImplementationOnce(async (_data, report) => {
      await report(50);
      return { message: 'm', processedAt: 'now', durationMs: 1 };
    });
    const run = await setup();
    await expect(run(job('test-job', { message: 'm' }))).resolves.toMatchObject({ message: 'm' });
    expect(updateProgress).toHaveBeenCalledWith({ percent: 50, stage: 'working' });
  });

  it.each([
    ['a job it has no handler for', job('nope', { message: 'm' })],
    ['a payload that got into Redis another way', job('test-job', { message: '' })],
  ])('refuses %s, without a retry', async (_what, refused) => {
    const run = await setup();
    await expect(run(refused)).rejects.toBeInstanceOf(UnrecoverableError);
  });
});
