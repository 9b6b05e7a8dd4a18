import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { SuccessiveWorker } from '../../../src/platform/worker/successive-worker';
import { eventually } from '../../support/eventually';
import { randomPrefix } from '../../support/queue-app';

class PlainWorker extends SuccessiveWorker {
  protected override ended(): void {}
}

describe('a place that goes from one job to the next', () => {
  it('ends a job whose end Redis did not take, without another start, and goes on', async () => {
    const prefix = randomPrefix();
    const connection = new Redis(String(process.env['TEST_REDIS_URL']), { maxRetriesPerRequest: null });
    const queue = new Queue('places', { connection, prefix });
    const started: (string | undefined)[] = [];
    const handler = (job: { id?: string | undefined }) => Promise.resolve(void started.push(job.id));
    const options = { connection, prefix, autorun: false, runRetryDelay: 10 };
    const worker = new PlainWorker('places', handler, options);
    const backend = worker.getBackend();
    const complete = backend.moveToCompleted.bind(backend);
    let refusals = 1;
    backend.moveToCompleted = (...args) => {
      refusals -= 1;
      if (refusals >= 0) return Promise.reject(new Error('connect ECONNREFUSED 127.0.0.1:1'));
      return complete(...args);
    };
    await queue.addBulk(['a', 'b', 'c'].map((jobId) => ({ name: 'job', data: {}, opts: { jobId } })));
    void worker.run();
    await eventually(async () => expect(await queue.getCompletedCount()).toBe(3), 5_000);
    expect(started).toEqual(['a', 'b', 'c']);
    await worker.close();
    await queue.obliterate({ force: true });
    await queue.close();
    connection.disconnect();
  });
});
