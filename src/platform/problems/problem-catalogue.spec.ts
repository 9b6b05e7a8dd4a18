import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from './problem';
import { problemAnswer } from './problem-answer';
import { problem, problemCatalogue } from './problem-catalogue';
import type { CatalogueEntry } from './catalogue-entry';

const src = join(__dirname, '../..');
const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'))
  .map((path) => [path, readFileSync(join(src, path), 'utf8')] as const);

describe('the catalogue of problems', () => {
  it('has every code that is thrown by hand', () => {
    const strays = sources.flatMap(([path, text]) =>
      [...text.matchAll(/new Problem\(\{[^}]*?\bcode: '(\w+)'/g)]
        .filter(([, code]) => !Object.hasOwn(problemCatalogue, code ?? ''))
        .map(([, code]) => `${path}: ${code}`),
    );
    expect(strays).toEqual([]);
  });

  it('speaks in sentences, and promises a retry only where one can help', () => {
    for (const [code, entry] of Object.entries<CatalogueEntry>(problemCatalogue)) {
      expect(code).toMatch(/^[a-z][a-z_]+$/);
      expect(entry.title).toMatch(/^\S.*[^.]$/);
      expect(entry.advice).toMatch(/^[A-Z/"].*\.$/);
      expect([
        code,
        entry.retryable === true && ![400, 408, 409, 429, 503, 504, 507].includes(entry.status),
      ]).toEqual([code, false]);
    }
  });
});

describe('the answer to a problem', () => {
  const request = { url: '/api/jobs?key=secret', id: 'r1' };

  it('has the members of RFC 9457 and ours, and leaves the query out', () => {
    expect(JSON.parse(problemAnswer(problem('job_not_found'), request).body)).toEqual({
      type: '/problems/job-not-found',
      title: 'There is no such job',
      detail: expect.any(String) as string,
      status: 404,
      instance: '/api/jobs',
      code: 'job_not_found',
      requestId: 'r1',
      retryable: false,
    });
  });

  it('takes further members, but none that would stand for one of ours', () => {
    const thrown = problem('conflict', { members: { jobId: 'j', status: 200, code: 'fine' } });
    expect(JSON.parse(problemAnswer(thrown, { ...request, errorMember: 'Conflict' }).body)).toMatchObject({
      jobId: 'j',
      status: 409,
      code: 'conflict',
      error: 'Conflict',
    });
  });

  it('sends Retry-After with 503, also for a code that is not in the catalogue', () => {
    const foreign = new Problem({ status: 503, code: 'something_else', title: 'Away' });
    expect(problemAnswer(foreign, request)).toMatchObject({ headers: { 'retry-after': '1' } });
    expect(JSON.parse(problemAnswer(foreign, request).body)).toMatchObject({ retryable: true });
    const own = problem('rate_limited', { headers: { 'Retry-After': '7' } });
    expect(problemAnswer(own, request).headers['retry-after']).toBe('7');
  });
});
