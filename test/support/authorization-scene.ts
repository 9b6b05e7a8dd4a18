import { eq } from 'drizzle-orm';
import { randomUUID } from 'node:crypto';
import { newKeyId, newSecret, writeKey } from '../../src/platform/auth/api-key';
import { ApiKeyStore, type NewApiKey } from '../../src/platform/auth/api-key.store';
import { Database } from '../../src/platform/database/database.service';
import { deadLetterId } from '../../src/platform/dead-letter/dead-letter-entry';
import { DeadLetterProjection } from '../../src/platform/dead-letter/dead-letter-projection.service';
import { deadLetters } from '../../src/platform/dead-letter/dead-letter.tables';
import { flows } from '../../src/platform/flows/flows.tables';
import { HttpAdapter } from '../../src/platform/http/http-adapter';
import { LedgerSearch } from '../../src/platform/ledger/ledger-search.service';
import { OperationStore } from '../../src/platform/operations/operation.store';
import { operationItems } from '../../src/platform/operations/operations.tables';
import { ATTEMPTS_FIELD } from '../../src/platform/queue/attempt-record';
import { jobId as newJobId } from '../../src/platform/queue/job-id';
import { JobDispatcher } from '../../src/platform/queue/job-dispatcher.service';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { WorkerRunner } from '../../src/platform/worker/worker-runner.service';
import { aircraftId } from '../../src/workloads/agents/fleet.store';
import { charterRequests, proposals } from '../../src/workloads/agents/charter.tables';
import { Clients } from '../../src/workloads/agents/clients.store';
import { errorGroups } from '../../src/workloads/agents/error-groups.tables';
import { notificationId, Notifications } from '../../src/workloads/tasks/notifications.store';
import { PushSubscriptions } from '../../src/workloads/tasks/push-subscriptions.store';
import { RuleSetStore } from '../../src/workloads/validation/rule-set.store';
import {
  validationFindings,
  validationLogs,
  validationRuns,
} from '../../src/workloads/validation/validation.tables';
import { putBrokerageCanaries, type BrokerageIds } from './brokerage-canaries';
import { eventually } from './eventually';
import { startTestServer, type TestServer } from './server';

/** Stands in everything that only `payloads:read` shows. */
export const CANARY = 'canary-7Qx3-of-a-payload';
const attempts = [{ start: 1, outcome: 'failed', error: { name: 'Error', message: CANARY } }] as const;

/** Whose notifications hold canaries. */
export const NOTIFIED_USER = 'user-of-the-matrix';

export const BOOTSTRAP_KEY = 'the-key-of-the-authorization-matrix';

export interface ServedRoute {
  readonly method: string;
  /** As Fastify has it, with parameters. */
  readonly url: string;
}

/** A server with one of everything in the home tenant, full of canaries. */
export class AuthorizationScene {
  readonly ids = {
    job: '',
    failedJob: '',
    deadLetter: '',
    operation: '',
    notification: '',
    subscription: '',
    run: '',
    aircraft: aircraftId('default', 'HF-001'),
    ruleSet: 'of-the-matrix',
    key: '',
    charterRequest: 'req_of-the-matrix',
    client: '',
    flow: '',
    errorGroup: '0123456789abcdef',
  };

  brokerage: BrokerageIds = { connections: '', runs: '', imports: '', reviews: '', notes: '' };

  private constructor(readonly server: TestServer) {}

  static async start(overrides: Record<string, string> = {}): Promise<AuthorizationScene> {
    const settings = {
      ROLE: 'api',
      HOLDFAST_BOOTSTRAP_KEY: BOOTSTRAP_KEY,
      QUEUE_TEST_ENABLED: 'true',
      ...overrides,
    };
    const scene = new AuthorizationScene(await startTestServer(settings));
    await scene.addJobs();
    await scene.addDeadLetter();
    await scene.addOperation();
    await scene.addRun();
    await scene.addNotification();
    await scene.addPushSubscription();
    scene.brokerage = await putBrokerageCanaries(scene.server.app, NOTIFIED_USER, CANARY);
    await scene.addCharter();
    const definition = { name: scene.ids.ruleSet, columns: [{ name: 'a' }] };
    await scene.server.app.get(RuleSetStore, { strict: false }).save(definition);
    scene.ids.key = (await scene.key({ name: 'of the matrix' })).split('.')[0] ?? '';
    return scene;
  }

  /** Every route of the app, Bull Board's included; a document's second spelling of a path is one of its own. */
  get routes(): ServedRoute[] {
    const adapter = this.server.app.getHttpAdapter() as unknown as HttpAdapter;
    const all = adapter.routes.flatMap(({ method, url }) =>
      [method].flat().map((one) => ({ method: one, url })),
    );
    return [...new Map(all.map((route) => [`${route.method} ${route.url}`, route])).values()];
  }

  /** A key as it is sent. */
  async key(given: Partial<NewApiKey> & { readonly isRevoked?: boolean }): Promise<string> {
    const { isRevoked = false, ...columns } = given;
    const store = this.server.app.get(ApiKeyStore);
    const kid = newKeyId();
    const secret = newSecret();
    const usual = {
      kid,
      tenant: 'default',
      name: 'a key',
      role: 'viewer',
      grants: [],
      createdBy: 'test',
    } as const;
    await store.create({ ...usual, ...columns, grants: columns.grants ?? [] }, secret);
    if (isRevoked) await store.revoke(kid);
    return writeKey({ kid, secret });
  }

  private async addJobs(): Promise<void> {
    const { app } = this.server;
    const dispatch = (data: object) =>
      app.get(JobDispatcher).dispatch('test-job', { message: CANARY, ...data });
    const done = await dispatch({});
    await app.get(WorkerRunner).processNext('default');
    await done.log(CANARY);
    this.ids.job = done.id ?? '';
    // A failure whose reason quotes the payload, as a library's error may.
    const queue = app.get(QueueRegistry).get('default')!.queue;
    const failing = await app.get(JobDispatcher).dispatch('test-job', { message: 'x' }, { attempts: 1 });
    await failing.updateData({ message: CANARY, delay: CANARY });
    await app.get(WorkerRunner).processNext('default');
    this.ids.failedJob = failing.id ?? '';
    const client = (await queue.getBackend().client) as unknown as {
      hset(...args: string[]): Promise<number>;
    };
    await client.hset(
      queue.toKey(this.ids.failedJob),
      ATTEMPTS_FIELD,
      JSON.stringify(attempts),
      'failedReason',
      CANARY,
      'stacktrace',
      `["Error: ${CANARY}"]`,
    );
  }

  /** Of a job that is gone: what the failed one left was parked before the canaries came. */
  private async addDeadLetter(): Promise<void> {
    const { app } = this.server;
    const jobId = newJobId('default');
    const id = deadLetterId('default', jobId, 1);
    this.ids.deadLetter = id;
    const death = {
      id,
      jobId,
      queue: 'default',
      type: 'test-job',
      cause: 'attempts_used',
      finishedAt: 1,
    } as const;
    const counts = { attempts, attemptsMade: 1, attemptsMax: 1, fingerprint: '0'.repeat(16) };
    const error = { errorName: 'Error', errorMessage: CANARY, errorStack: `Error: ${CANARY}` };
    const payload = JSON.stringify({ message: CANARY });
    await app
      .get(Database)
      .query.insert(deadLetters)
      .values({ ...death, ...counts, ...error, payload, editedPayload: payload, options: {} });
    await app.get(DeadLetterProjection).turn();
    await eventually(async () => {
      const known = await app.get(LedgerSearch).known([this.ids.job, this.ids.failedJob]);
      if (known.size < 2) throw new Error('The ledger has not read the jobs yet.');
    }, 15_000);
  }

  private async addOperation(): Promise<void> {
    const wanted = { action: 'discard', reason: 'of the matrix', startedBy: 'test', request: {} } as const;
    const none = { targets: [], missing: ['nothing'], queues: [], usesWaves: false, maxFailureRatio: 1 };
    const { id } = await this.server.app.get(OperationStore).create({ ...wanted, ...none });
    this.ids.operation = id;
    const { query } = this.server.app.get(Database);
    await query.update(operationItems).set({ detail: CANARY }).where(eq(operationItems.operationId, id));
  }

  private async addRun(): Promise<void> {
    const { query } = this.server.app.get(Database);
    const id = randomUUID();
    this.ids.run = id;
    const run = { id, fileId: randomUUID(), fileName: 'members.csv', errorMessage: CANARY };
    await query
      .insert(validationRuns)
      .values({ ...run, status: 'completed', finishedAt: new Date(), summary: [] });
    const finding = { runId: id, ordinal: 0, rowNumber: 1, rule: 'r', severity: 'error' };
    await query.insert(validationFindings).values({ ...finding, message: CANARY, value: CANARY });
    await query.insert(validationLogs).values({ validationRunId: id, source: 'api', message: CANARY });
  }

  private async addNotification(): Promise<void> {
    const { app } = this.server;
    const jobId = newJobId('user-notification');
    this.ids.notification = notificationId(jobId);
    const whose = { tenant: 'default', userId: NOTIFIED_USER, type: 'info', jobId } as const;
    const texts = { title: CANARY, body: CANARY, metadata: { canary: CANARY } };
    await app
      .get(Database)
      .transaction((transaction) => app.get(Notifications).put(transaction, { ...whose, ...texts }));
  }

  /** The canaries stand where no answer shows anything, whoever asks. */
  private async addPushSubscription(): Promise<void> {
    const whose = { tenant: 'default', userId: NOTIFIED_USER, createdBy: 'test', expiresAt: null };
    const { subscription } = await this.server.app.get(PushSubscriptions, { strict: false }).put({
      ...whose,
      endpoint: `https://push.example.com/${CANARY}`,
      keys: { p256dh: CANARY, auth: CANARY },
      vapidKey: 'another',
    });
    this.ids.subscription = subscription.id;
  }

  /** A request, its proposal, its client, a flow whose job has failed, and a group of errors. */
  private async addCharter(): Promise<void> {
    const { app } = this.server;
    const { query } = app.get(Database);
    const tenant = 'default';
    const { charterRequest: id, errorGroup: fingerprint, failedJob } = this.ids;
    const missing = [{ field: 'passengers', question: CANARY }];
    await query.insert(charterRequests).values({
      tenant,
      id,
      userId: 'user',
      message: CANARY,
      clientEmail: CANARY,
      clientName: CANARY,
      timeZone: 'UTC',
      priority: 'normal',
      status: 'needs_information',
      jobId: this.ids.job,
      missing,
      answers: [{ field: 'legs', answer: CANARY, round: 1 }],
      error: CANARY,
    });
    const rejected = [{ reason: CANARY, count: 1 }];
    await query
      .insert(proposals)
      .values({ tenant, id: 'p', requestId: id, options: [], rejected, recipientEmail: CANARY });
    const { client } = await app
      .get(Clients, { strict: false })
      .merge('of-the-matrix@example.org', { name: CANARY }, tenant);
    this.ids.client = client.id;
    this.ids.flow = failedJob;
    const jobs = [{ id: failedJob, queue: 'default', type: 'test-job', path: '' }];
    await query.insert(flows).values({ id: failedJob, tenant, key: 'of-the-matrix', jobs });
    const seen = { firstSeenAt: new Date(), lastSeenAt: new Date(), deadLetterId: this.ids.deadLetter };
    await query.insert(errorGroups).values({
      ...seen,
      tenant,
      fingerprint,
      count: 1,
      queues: ['default'],
      types: ['test-job'],
      errorName: 'Error',
      errorMessage: CANARY,
    });
  }
}
