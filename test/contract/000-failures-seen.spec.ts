import { FaultScene, type StartedServer } from '../faults/fault-scene';
import { SentrySink } from '../support/sentry-sink';
import { eventually } from '../support/eventually';
import { Scrape } from '../support/prometheus-text';

const lineDeadlineMs = 20_000;

describe('document 000, what is seen of a job: its log, its metric, its failure', () => {
  const scene = new FaultScene();
  let sink: SentrySink;
  let started: StartedServer;

  beforeAll(async () => {
    sink = await SentrySink.open();
    await scene.open();
    started = await scene.start({ SENTRY_DSN: sink.dsn });
  }, 60_000);

  afterAll(async () => {
    await scene.close();
    await sink.close();
  });

  const entry = async (id: string, words: string) => {
    const pattern = new RegExp(`^.*"msg":"[^"]*Job ${id} ${words}.*$`, 'm');
    const [found] = await started.server.line(pattern, lineDeadlineMs);
    return JSON.parse(found) as Record<string, unknown>;
  };
  const add = async (data: object) => {
    const options = { attempts: 2, backoff: { type: 'fixed', delay: 1 } };
    const { body } = await started.api.call('POST', '/api/queue/jobs', { type: 'test-job', data, options });
    return String(body['id']);
  };

  it('start, completion and failure are logged, with the duration', async () => {
    const good = await add({ message: 'good', delay: 20 });
    const bad = await add({ message: 'bad', shouldFail: true });
    await started.server.line(new RegExp(`Processing job ${good} from queue default`), lineDeadlineMs);
    const { durationMs } = await entry(good, 'completed');
    expect(durationMs).toBeGreaterThanOrEqual(19);
    expect(await entry(bad, 'failed')).toMatchObject({ durationMs: expect.any(Number) });
  });

  it('a metric is recorded for each, with its duration', async () => {
    const job = { queue: 'default', type: 'test-job' };
    await eventually(async () => {
      const answer = await fetch(`${started.server.url}/metrics`);
      const scrape = new Scrape(await answer.text());
      const count = (outcome: string) => scrape.value('holdfast_jobs_finished_total', { ...job, outcome });
      expect(['completed', 'retried', 'dead'].map(count)).toEqual([1, 1, 1]);
      expect(scrape.value('holdfast_job_run_duration_seconds_count', job)).toBe(3);
    }, lineDeadlineMs);
  });

  it('the failure reaches Sentry, once, when no further attempt follows', async () => {
    await eventually(() => expect(sink.events).toHaveLength(1), lineDeadlineMs);
    expect(sink.events[0]?.tags).toMatchObject({ queue: 'default', type: 'test-job', attempt: '2' });
    expect(sink.events[0]?.exception.values[0]?.value).toContain('shouldFail');
  });
});
