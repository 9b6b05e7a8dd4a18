import { createWriteStream, openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

// No answer of a healthy server takes this long; an upload has no such limit.
const answerDeadlineMs = 30_000;

/** The few calls that a script makes to `/api/validations`; a refusal becomes an Error with the problem's own words. */
export class ValidationClient {
  constructor(url, key = process.env.HOLDFAST_BOOTSTRAP_KEY) {
    this.url = url;
    this.headers = key ? { authorization: `Bearer ${key}` } : {};
  }

  /** Streams a file from disk together with its rules; resolves with the 202's body. */
  async upload(path, ruleSet) {
    const form = new FormData();
    // A field after the file would come too late for the server, which reads in order.
    form.append('ruleSet', JSON.stringify(ruleSet));
    form.append('file', await openAsBlob(path, { type: 'text/csv' }), basename(path));
    const answer = await this.send('/api/validations', { method: 'POST', body: form });
    return await answer.json();
  }

  async read(id) {
    return await (await this.get(`/api/validations/${id}`)).json();
  }

  /** Counts by rule, column and severity. */
  async counts(id) {
    return await (await this.get(`/api/validations/${id}/errors?group=rule`)).json();
  }

  /** The report as a stream of CSV. */
  async report(id) {
    const answer = await this.send(`/api/validations/${id}/report`, { headers: { accept: 'text/csv' } });
    return Readable.fromWeb(answer.body);
  }

  async saveReport(id, path) {
    await pipeline(await this.report(id), createWriteStream(path));
  }

  async remove(id) {
    const signal = AbortSignal.timeout(answerDeadlineMs);
    await this.send(`/api/validations/${id}`, { method: 'DELETE', signal });
  }

  async get(path, options = {}) {
    return await this.send(path, { signal: AbortSignal.timeout(answerDeadlineMs), ...options });
  }

  async send(path, { headers, ...options } = {}) {
    const answer = await fetch(`${this.url}${path}`, {
      ...options,
      headers: { ...this.headers, ...headers },
    });
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    const said = problem.detail ?? problem.title ?? answer.statusText;
    throw new Error(`${options.method ?? 'GET'} ${path} was answered with ${answer.status}: ${said}`);
  }
}
