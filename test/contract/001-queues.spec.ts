import { getQueueToken } from '@nestjs/bullmq';
import type { Job, Queue } from 'bullmq';
import { readSettings } from '../../src/config/read-settings';
import { deadLetterQueueName } from '../../src/platform/queue/dead-letter-name';
import { concurrencyOf, limiterOf, retentionOf } from '../../src/platform/queue/define-queue';
import { PayloadInvalidError } from '../../src/platform/queue/job-payload';
import { QueueRegistry, type RegisteredQueue } from '../../src/platform/queue/queue-registry.service';
import { WorkerRunner } from '../../src/platform/worker/worker-runner.service';
import { ClientDataProducer } from '../../src/workloads/agents/client-data/client-data.producer';
import { CommunicationProducer } from '../../src/workloads/agents/communication/communication.producer';
import { ErrorMonitorProducer } from '../../src/workloads/agents/error-monitor/error-monitor.producer';
import { FlightSearchProducer } from '../../src/workloads/agents/flight-search/flight-search.producer';
import { OrchestratorProducer } from '../../src/workloads/agents/orchestrator/orchestrator.producer';
import { ProposalAnalysisProducer } from '../../src/workloads/agents/proposal-analysis/proposal-analysis.producer';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

/** `enum QueueName` of the document. */
const queueNames = [
  'orchestrator',
  'client-data',
  'flight-search',
  'proposal-analysis',
  'communication',
  'error-monitor',
] as const;

const base = { requestId: 'test-123', userId: 'user-456' };

/** One job of each queue, in the document's own words. */
const payloads = {
  orchestrator: { ...base, type: 'analyze-request', message: 'To Miami', clientEmail: 'a@example.org' },
  'client-data': base,
  'flight-search': {
    ...base,
    type: 'search-flights',
    departure: 'KTEB',
    arrival: 'KVNY',
    passengers: 6,
    date: '2031-03-14',
  },
  'proposal-analysis': {
    ...base,
    type: 'analyze-quotes',
    quotes: [{ id: 'q1', operatorName: 'Example Air', price: 21_400 }],
  },
  communication: { ...base, type: 'send-proposal', proposalId: 'p1', recipientEmail: 'a@example.org' },
  'error-monitor': base,
} as const;

describe('document 001, the six queues', () => {
  let server: TestServer;
  const settings = readSettings({});

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api' });
  });
  afterAll(() => server.close());

  const get = <T>(token: new (...args: never[]) => T): T => server.app.get<T>(token, { strict: false });
  const entryOf = (name: string): RegisteredQueue => get(QueueRegistry).get(name)!;
  const queueOf = (name: string) => server.app.get<Queue>(getQueueToken(name), { strict: false });
  const adders: Record<(typeof queueNames)[number], (payload: never) => Promise<Job>> = {
    orchestrator: (payload) => get(OrchestratorProducer).addOrchestratorJob(payload),
    'client-data': (payload) => get(ClientDataProducer).addClientDataJob(payload),
    'flight-search': (payload) => get(FlightSearchProducer).addFlightSearchJob(payload),
    'proposal-analysis': (payload) => get(ProposalAnalysisProducer).addProposalAnalysisJob(payload),
    communication: (payload) => get(CommunicationProducer).addCommunicationJob(payload),
    'error-monitor': (payload) => get(ErrorMonitorProducer).addErrorMonitorJob(payload),
  };
  const add = (name: (typeof queueNames)[number], more: object = {}) =>
    adders[name]({ ...payloads[name], ...more } as never);

  it.each(queueNames)('has the queue %s, which takes a job of its name by its helper', async (name) => {
    const job = await add(name);
    expect(job.name).toBe(`${name}-job`);
    expect(job.queueName).toBe(name);
    const stored = await queueOf(name).getJob(job.id ?? '');
    expect(stored?.data).toEqual(payloads[name]);
  });

  it.each(queueNames)('gives jobs of %s the document’s options', async (name) => {
    const stored = await queueOf(name).getJob((await add(name)).id ?? '');
    expect(stored?.opts).toMatchObject({ attempts: 3, backoff: { type: 'exponential', delay: 2_000 } });
  });

  it.each(queueNames)('keeps completed jobs of %s for 24 hours and 1000, failed ones for 7 days', (name) => {
    const { completed, failed } = retentionOf(entryOf(name).definition, settings);
    expect(completed).toEqual({ ageMs: 86_400_000, count: 1_000 });
    expect(failed.ageMs).toBe(604_800_000);
  });

  it.each(queueNames)('works %s as the document says, and as the settings say', (name) => {
    const { definition } = entryOf(name);
    expect(concurrencyOf(definition, settings)).toBe(name === 'orchestrator' ? 3 : 5);
    expect(limiterOf(definition, settings)).toEqual({ max: 10, durationMs: 1_000 });
    const other = readSettings({ QUEUE_CONCURRENCY: `5,${name}=10`, QUEUE_RATE_LIMIT: `50,${name}=100` });
    expect(concurrencyOf(definition, other)).toBe(10);
    expect(limiterOf(definition, other)).toEqual({ max: 100, durationMs: 1_000 });
    expect(limiterOf(definition, readSettings({ QUEUE_RATE_LIMIT: '0' }))).toBeUndefined();
  });

  it.each([
    ['urgent', 1],
    ['high', 5],
    ['normal', 10],
    ['low', 15],
    [undefined, 15],
  ] as const)('stores the priority %s as %d', async (priority, number) => {
    for (const name of queueNames) {
      const job = await add(name, priority === undefined ? {} : { priority });
      expect((await queueOf(name).getJob(job.id ?? ''))?.opts.priority).toBe(number);
    }
  });

  it.each([
    ['orchestrator', { type: 'something-else' }],
    ['orchestrator', { message: 7 }],
    ['orchestrator', { requestId: '' }],
    ['orchestrator', { priority: 'now' }],
    ['client-data', { userId: undefined }],
    ['flight-search', { passengers: '6' }],
    ['flight-search', { date: 'tomorrow' }],
    ['proposal-analysis', { quotes: [{ id: 'q1', operatorName: 'Example Air' }] }],
    ['communication', { recipientEmail: 'nobody' }],
    ['error-monitor', { wings: 2 }],
  ] as const)('refuses a job of %s with %j before Redis has it', async (name, wrong) => {
    await expect(add(name, wrong)).rejects.toThrow(PayloadInvalidError);
  });

  it('answers GET /api/queue/stats with the document’s fields of each queue', async () => {
    const answer = await fetch(`${server.url}/api/queue/stats`);
    const { stats } = (await answer.json()) as { stats: Record<string, unknown>[] };
    for (const name of queueNames) {
      expect(stats.find((one) => one['name'] === name)).toMatchObject({
        name,
        waiting: expect.any(Number) as number,
        active: expect.any(Number) as number,
        completed: expect.any(Number) as number,
        failed: expect.any(Number) as number,
        delayed: expect.any(Number) as number,
        paused: false,
      });
    }
  });

  it.each(queueNames)('shows %s and its dead letters on the dashboard', async (name) => {
    const answer = await fetch(`${server.url}/admin/queues/api/queues`);
    const { queues } = (await answer.json()) as { queues: { name: string }[] };
    expect(queues.map((queue) => queue.name)).toEqual(
      expect.arrayContaining([name, deadLetterQueueName(name)]),
    );
  });

  it('takes another rate at run time in the window of its workers, and says why no other', async () => {
    const limit = (rateLimit: object | null) =>
      fetch(`${server.url}/api/queues/orchestrator`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ rateLimit }),
      });
    expect((await limit({ max: 2, durationMs: 60_000 })).status).toBe(422);
    expect((await limit({ max: 2, durationMs: 1_000 })).status).toBe(200);
    expect(await queueOf('orchestrator').getGlobalRateLimit()).toEqual({ max: 2, duration: 1_000 });
    expect((await limit(null)).status).toBe(200);
  });
});

describe('document 001, its orchestrator', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'all', WORKER_QUEUES: 'orchestrator' });
  });
  afterAll(() => server.close());

  it('reports 10, 50 and 100 of 100, and the result that the document gives', async () => {
    const queue = server.app.get<Queue>(getQueueToken('orchestrator'), { strict: false });
    const { id = '' } = await server.app.get(OrchestratorProducer, { strict: false }).addOrchestratorJob({
      ...base,
      type: 'analyze-request',
      message: '6 people from Teterboro to Van Nuys on 14 March 2031',
      clientEmail: 'a@example.org',
    });
    await eventually(
      async () => expect(await (await queue.getJob(id))?.getState()).toBe('completed'),
      20_000,
    );
    expect((await queue.getJob(id))?.returnvalue).toEqual({
      success: true,
      requestId: base.requestId,
      nextSteps: ['flight-search', 'client-data'],
    });
    const { client } = queue.getBackend() as unknown as {
      client: Promise<{ xrange: (...args: string[]) => Promise<[string, string[]][]> }>;
    };
    const events = await (await client).xrange(queue.keys['events'] ?? '', '-', '+');
    const told = events
      .map(([, fields]) => fields)
      .filter((fields) => fields[1] === 'progress' && fields.includes(id))
      .map((fields) => Number(fields[fields.indexOf('data') + 1]));
    expect(told).toEqual([10, 50, 100]);
  });

  it('is measured: how long its jobs took, and how many wait', async () => {
    expect(server.app.get(WorkerRunner, { strict: false }).isRunning('orchestrator')).toBe(true);
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const has = (series: RegExp) => text.split('\n').some((line) => series.test(line));
    expect(has(/^holdfast_job\w*duration_seconds_count\{.*queue="orchestrator".*\} [1-9]/)).toBe(true);
    expect(has(/^holdfast_queue_backlog\{queue="orchestrator"\} \d/)).toBe(true);
  });
});
