import { randomUUID } from 'node:crypto';
import { newKeyId, newSecret, writeKey } from '../../src/platform/auth/api-key';
import { ApiKeyStore, type NewApiKey } from '../../src/platform/auth/api-key.store';
import { Database } from '../../src/platform/database/database.service';
import { HttpAdapter } from '../../src/platform/http/http-adapter';
import { JobDispatcher } from '../../src/platform/queue/job-dispatcher.service';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { WorkerRunner } from '../../src/platform/worker/worker-runner.service';
import { RuleSetStore } from '../../src/workloads/validation/rule-set.store';
import {
  validationFindings,
  validationLogs,
  validationRuns,
} from '../../src/workloads/validation/validation.tables';
import { startTestServer, type TestServer } from './server';

/** Stands in everything that only `payloads:read` shows. */
export const CANARY = 'canary-7Qx3-of-a-payload';
export const BOOTSTRAP_KEY = 'the-key-of-the-authorization-matrix';

export interface ServedRoute {
  readonly method: string;
  /** As Fastify has it, with parameters. */
  readonly url: string;
}

/** A server with one of everything in the home tenant, full of canaries. */
export class AuthorizationScene {
  readonly ids = { job: '', failedJob: '', run: '', ruleSet: 'of-the-matrix', key: '' };

  private constructor(readonly server: TestServer) {}

  static async start(): Promise<AuthorizationScene> {
    const settings = { ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: BOOTSTRAP_KEY, QUEUE_TEST_ENABLED: 'true' };
    const scene = new AuthorizationScene(await startTestServer(settings));
    await scene.addJobs();
    await scene.addRun();
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
      'failedReason',
      CANARY,
      'stacktrace',
      `["Error: ${CANARY}"]`,
    );
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
}
