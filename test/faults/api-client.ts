import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { eventually } from '../support/eventually';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Record<string, unknown>;
}

export interface Run {
  readonly status: string;
  readonly progress: number;
  /** How often its job has begun. */
  readonly attempt: number;
  readonly rows: { read: number; valid: number; invalid: number };
  readonly jobId: string;
  readonly errorMessage: string | null;
}

const usualDeadlineMs = 10_000;

/** Calls one server; a call that is not answered within its deadline rejects with a TimeoutError. */
export class ApiClient {
  constructor(private readonly url: string) {}

  async call(method: string, path: string, body?: object, deadlineMs = usualDeadlineMs): Promise<Answer> {
    const isForm = body instanceof FormData;
    const answer = await fetch(`${this.url}${path}`, {
      method,
      signal: AbortSignal.timeout(deadlineMs),
      redirect: 'manual',
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
      ...(body !== undefined && !isForm && { headers: { 'content-type': 'application/json' } }),
    });
    const type = (answer.headers.get('content-type') ?? '').split(';')[0] ?? '';
    const text = await answer.text();
    return { status: answer.status, type, body: type.endsWith('json') ? parse(text) : {} };
  }

  async get(path: string, deadlineMs?: number): Promise<Answer> {
    return await this.call('GET', path, undefined, deadlineMs);
  }

  /** The key makes it the same job each time. */
  async addTestJob(key: string, deadlineMs?: number): Promise<Answer> {
    const job = { type: 'test-job', data: { message: key }, options: { jobId: key } };
    return await this.call('POST', '/api/queue/jobs', job, deadlineMs);
  }

  async jobState(id: string): Promise<unknown> {
    return (await this.get(`/api/queue/jobs/${id}`)).body['state'];
  }

  async waitForJob(id: string, deadlineMs: number): Promise<void> {
    await eventually(async () => expect(await this.jobState(id)).toBe('completed'), deadlineMs);
  }

  async upload(path: string, ruleSet: object): Promise<Answer> {
    const form = new FormData();
    form.append('ruleSet', JSON.stringify(ruleSet));
    form.append('file', await openAsBlob(path, { type: 'text/csv' }), basename(path));
    return await this.call('POST', '/api/validations', form);
  }

  async run(id: string): Promise<Run> {
    return (await this.get(`/api/validations/${id}`)).body as unknown as Run;
  }

  /** Resolves as soon as the worker has begun with the file. */
  async waitForProgress(id: string, deadlineMs: number): Promise<void> {
    await eventually(async () => {
      const { status, progress } = await this.run(id);
      expect(status).toBe('processing');
      expect(progress).toBeGreaterThan(0);
    }, deadlineMs);
  }

  async waitForEnd(id: string, deadlineMs: number): Promise<Run> {
    await eventually(async () => expect((await this.run(id)).status).toMatch(/completed|failed/), deadlineMs);
    return await this.run(id);
  }
}

function parse(text: string): Record<string, unknown> {
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}
