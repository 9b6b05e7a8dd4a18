import { eventually } from './eventually';

export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface RunBody {
  readonly validationId: string;
  readonly status: string;
  readonly progress: number;
  readonly rows: { read: number; valid: number; invalid: number };
  readonly errorMessage: string | null;
  readonly jobId: string;
  readonly [member: string]: unknown;
}

/** What a caller of `/api/validations` does in tests. */
export class ValidationClient {
  constructor(readonly url: string) {}

  async call<T = Record<string, unknown>>(path: string, init: RequestInit = {}): Promise<Answer<T>> {
    const answer = await fetch(`${this.url}${path}`, init);
    const text = await answer.text();
    const isJson = /json/.test(answer.headers.get('content-type') ?? '') && text !== '';
    return { status: answer.status, headers: answer.headers, body: (isJson ? JSON.parse(text) : text) as T };
  }

  form(csv: string | Buffer, ruleSet?: unknown, name = 'members.csv'): FormData {
    const form = new FormData();
    form.append('file', new Blob([Buffer.from(csv)], { type: 'text/csv' }), name);
    if (ruleSet !== undefined) {
      form.append('ruleSet', typeof ruleSet === 'string' ? ruleSet : JSON.stringify(ruleSet));
    }
    return form;
  }

  async send(form: FormData): Promise<Answer<RunBody>> {
    return this.call('/api/validations', { method: 'POST', body: form });
  }

  /** Uploads a file that must be accepted, and resolves with its run's id. */
  async upload(csv: string | Buffer, ruleSet?: unknown, name?: string): Promise<string> {
    const { status, body } = await this.send(this.form(csv, ruleSet, name));
    if (status !== 202) throw new Error(`The upload was answered with ${status}: ${JSON.stringify(body)}`);
    return body.validationId;
  }

  async read(id: string): Promise<RunBody> {
    return (await this.call<RunBody>(`/api/validations/${id}`)).body;
  }

  /** Polls until the run has one of the statuses. */
  async until(id: string, statuses: readonly string[], timeoutMs = 15_000): Promise<RunBody> {
    let run: RunBody | undefined;
    await eventually(async () => {
      run = await this.read(id);
      if (!statuses.includes(run.status)) throw new Error(`The run is ${run.status}: ${run.errorMessage}`);
    }, timeoutMs);
    return run!;
  }
}
