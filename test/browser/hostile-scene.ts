import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { Database } from '../../src/platform/database/database.service';
import { DeadLetterProjection } from '../../src/platform/dead-letter/dead-letter-projection.service';
import { deadLetterId } from '../../src/platform/dead-letter/dead-letter-entry';
import { deadLetters } from '../../src/platform/dead-letter/dead-letter.tables';
import { ATTEMPTS_FIELD } from '../../src/platform/queue/attempt-record';
import type { AddOptions } from '../../src/platform/queue/add-job';
import { jobId } from '../../src/platform/queue/job-id';
import { JobDispatcher } from '../../src/platform/queue/job-dispatcher.service';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { WorkerRunner } from '../../src/platform/worker/worker-runner.service';
import {
  validationFindings,
  validationLogs,
  validationRuns,
} from '../../src/workloads/validation/validation.tables';
import type { ServedScene } from '../support/served-scene';
import { hostileTexts } from './hostile-texts';

export const QUEUE = 'default';
const TYPE = 'test-job';

/** Texts in every place that a caller, a job or an operator can write to; the ids of what holds them. */
export class HostileScene {
  readonly jobs: string[] = [];
  /** The failed job of each text. */
  readonly failed = new Map<string, string>();
  readonly deadLetters: string[] = [];
  readonly runs: string[] = [];
  readonly files: string[] = [];
  readonly keys: string[] = [];

  constructor(private readonly served: ServedScene) {}

  async plant(): Promise<void> {
    // One after the other, while nothing else waits: each is the next to be worked on.
    for (const text of hostileTexts) await this.plantFailedJob(text);
    for (const text of hostileTexts) {
      await this.plantDeadLetter(text);
      await this.plantRun(text);
      await this.plantByCaller(text);
    }
    await this.plantStates();
    await this.plantSchedulers();
    await this.app.get(DeadLetterProjection).turn();
  }

  private get app() {
    return this.served.scene.server.app;
  }

  private get queue() {
    return this.app.get(QueueRegistry).get(QUEUE)!.queue;
  }

  private dispatch(options: AddOptions) {
    return this.app.get(JobDispatcher).dispatch(TYPE, { message: 'x' }, options);
  }

  /** What a processor and its libraries may say: progress, log lines, the reason, the stack, a result. */
  private async plantFailedJob(text: string): Promise<void> {
    const job = await this.dispatch({ attempts: 1, key: `failed ${text}` });
    await job.updateData({ message: text, [text]: [text] });
    await this.app.get(WorkerRunner).processNext(QUEUE);
    await job.updateProgress({ percent: 50, message: text });
    await job.log(text);
    const attempts = [{ start: 1, outcome: 'failed', error: { name: text, message: text } }];
    await this.write(job.id ?? '', {
      failedReason: text,
      stacktrace: JSON.stringify([`${text}\n    at ${text}`]),
      returnvalue: JSON.stringify(text),
      [ATTEMPTS_FIELD]: JSON.stringify(attempts),
    });
    this.failed.set(text, job.id ?? '');
  }

  private async write(id: string, fields: Record<string, string>): Promise<void> {
    const redis = await this.queue.getBackend().client;
    const client = redis as unknown as { hset(...args: string[]): Promise<number> };
    await client.hset(this.queue.toKey(id), ...Object.entries(fields).flat());
  }

  private async plantDeadLetter(text: string): Promise<void> {
    const job = jobId(QUEUE);
    const id = deadLetterId(QUEUE, job, 1);
    const error = { errorName: text, errorMessage: text, errorStack: text, fingerprint: '0'.repeat(16) };
    const attempt = { start: 1, outcome: 'failed', error: { name: text, message: text } } as const;
    await this.app
      .get(Database)
      .query.insert(deadLetters)
      .values({
        ...error,
        id,
        jobId: job,
        key: text,
        queue: QUEUE,
        type: text,
        cause: 'attempts_used',
        finishedAt: Date.now(),
        payload: JSON.stringify({ message: text, [text]: text }),
        options: { [text]: text },
        attempts: [attempt],
        attemptsMade: 1,
        attemptsMax: 1,
      });
    this.deadLetters.push(id);
  }

  private async plantRun(text: string): Promise<void> {
    const { query } = this.app.get(Database);
    const id = randomUUID();
    const file = { fileId: randomUUID(), fileName: text, status: 'completed' } as const;
    await query
      .insert(validationRuns)
      .values({ id, ...file, errorMessage: text, finishedAt: new Date(), summary: [] });
    const place = { runId: id, ordinal: 0, rowNumber: 1, severity: 'error' };
    await query.insert(validationFindings).values({ ...place, rule: text, message: text, value: text });
    await query.insert(validationLogs).values({ validationRunId: id, source: 'api', message: text });
    this.runs.push(id);
  }

  /** The doors that stand open to any caller. */
  private async plantByCaller(text: string): Promise<void> {
    const job = { type: TYPE, data: { message: text }, options: { jobId: text } };
    const added = await this.served.ask<{ id: string }>('POST', '/api/queue/jobs', job);
    this.jobs.push(added.id);
    const form = new FormData();
    form.append('file', new Blob([text], { type: 'text/html' }), `${text}.html`);
    this.files.push((await this.served.ask<{ id: string }>('POST', '/api/files', form)).id);
    const wish = { name: text.slice(0, 100), role: 'viewer' };
    const { kid } = await this.served.ask<{ kid: string }>('POST', '/api/keys', wish);
    await this.served.ask('POST', `/api/keys/${kid}/revoke?reason=${encodeURIComponent(text)}`);
    this.keys.push(kid);
    const name = `rules-${this.keys.length}`;
    await this.served.ask('POST', '/api/rule-sets', { name, columns: [{ name: text, type: 'string' }] });
    const remove = await this.dispatch({ delayMs: 3_600_000 });
    await this.served.ask('DELETE', `/api/queue/jobs/${remove.id}?reason=${encodeURIComponent(text)}`);
    const order = { action: 'discard', reason: text, ids: [`none-${this.keys.length}`] };
    await this.served.ask('POST', '/api/queue/operations', order);
  }

  /** A job with all of them in each of the other states. */
  private async plantStates(): Promise<void> {
    const all = { message: hostileTexts.join('\n'), texts: hostileTexts };
    const named = Object.fromEntries(hostileTexts.map((text) => [text, text]));
    const states: AddOptions[] = [{ delayMs: 3_600_000 }, { priority: 'high' }, {}];
    for (const options of states) {
      const job = await this.dispatch(options);
      await job.updateData({ ...all, ...named });
      await job.log(all.message);
      await job.updateProgress({ message: all.message });
      this.jobs.push(job.id ?? '');
    }
    await this.app.get(WorkerRunner).processNext(QUEUE);
    const completed = await this.queue.getCompleted(0, 0);
    for (const job of completed) await this.write(job.id ?? '', { returnvalue: JSON.stringify(all) });
    await this.takeOne();
  }

  /** A job that somebody works at: nobody does, but its lock outlives the test. */
  private async takeOne(): Promise<void> {
    const connection = new Redis(process.env['TEST_REDIS_URL'] ?? '', { maxRetriesPerRequest: null });
    const prefix = this.served.scene.server.settings.REDIS_PREFIX;
    const worker = new Worker(QUEUE, null, { connection, prefix, lockDuration: 600_000 });
    await worker.getNextJob(randomUUID());
    await worker.close();
    connection.disconnect();
  }

  private async plantSchedulers(): Promise<void> {
    for (const text of hostileTexts) {
      const template = { name: text, data: { message: text, [text]: text } };
      await this.queue.upsertJobScheduler(text, { every: 3_600_000 }, template);
    }
  }
}
