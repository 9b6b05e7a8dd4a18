import { randomUUID } from 'node:crypto';
import { DeadLetterParker } from '../../src/platform/dead-letter/dead-letter-parker.service';
import { DeadLetterProjection } from '../../src/platform/dead-letter/dead-letter-projection.service';
import { JobDispatcher } from '../../src/platform/queue/job-dispatcher.service';
import { JobReader } from '../../src/platform/queue/job-reader.service';
import { WorkerRunner } from '../../src/platform/worker/worker-runner.service';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

interface Letter {
  readonly id: string;
  readonly jobId: string;
  readonly status: string;
  readonly links: { self: string; redrive: string };
  readonly error: { group: string };
}
interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

const PATH = '/api/queue/dead-letters';
const because = { reason: 'the cause is gone' };

describe('dead letters and operations over HTTP', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api' });
  });
  afterAll(() => server.close());

  async function call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: object,
  ): Promise<Answer<T>> {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: (text ? JSON.parse(text) : {}) as T };
  }

  /** A job that fails at its only attempt, and its dead letter. */
  async function dead(message: string): Promise<Letter> {
    const job = await server.app
      .get(JobDispatcher)
      .dispatch('test-job', { message, shouldFail: true }, { attempts: 1 });
    await server.app.get(WorkerRunner).processNext('default');
    await server.app.get(DeadLetterParker).turn();
    const { body } = await call<{ items: Letter[] }>('GET', `${PATH}?jobId=${job.id}`);
    return body.items[0]!;
  }

  const run = () => server.app.get(WorkerRunner).processNext('default');
  const read = async (path: string) => (await call(`GET`, path)).body;

  it('lists the newest first, without payloads, page by page', async () => {
    const letters = [await dead('one'), await dead('two'), await dead('three')];
    const first = await call<{ items: Letter[]; next_cursor: string }>('GET', `${PATH}?limit=2`);
    expect(first.status).toBe(200);
    expect(first.body.items.map(({ id }) => id)).toEqual([letters[2]?.id, letters[1]?.id]);
    expect(first.headers.get('link')).toContain('rel="next"');
    expect(JSON.stringify(first.body)).not.toContain('shouldFail":');
    const second = await call<{ items: Letter[] }>('GET', `${PATH}?limit=2&cursor=${first.body.next_cursor}`);
    expect(second.body.items[0]?.id).toBe(letters[0]?.id);
  });

  it('finds by queue, type, cause, status, time and error, and counts by error', async () => {
    const { error } = await dead('findable');
    const count = async (query: string) =>
      (await call<{ items: Letter[] }>('GET', `${PATH}?limit=200&${query}`)).body.items.length;
    const all = await count('status=dead');
    expect(await count('originQueue=default&type=test-job&cause=attempts_used')).toBe(all);
    expect(await count(`errorGroup=${error.group}`)).toBe(all);
    expect(await count('queue=validation')).toBe(0);
    expect(await count('cause=stalled')).toBe(0);
    expect(await count(`to=${encodeURIComponent('2020-01-01T00:00:00Z')}`)).toBe(0);
    const { body } = await call<{ groups: object[] }>('GET', `${PATH}?group=error`);
    expect(body.groups).toEqual([
      expect.objectContaining({ errorGroup: error.group, queue: 'default', count: all, name: 'Error' }),
    ]);
  });

  it.each([
    ['cause=boredom', 400, 'query_invalid'],
    ['from=yesterday', 400, 'query_invalid'],
    ['errorGroup=x', 400, 'query_invalid'],
    ['cursor=x', 400, 'cursor_invalid'],
    ['colour=red', 400, 'unknown_field'],
  ])('answers a list with ?%s with %d', async (query, status, code) => {
    expect(await call('GET', `${PATH}?${query}`)).toMatchObject({ status, body: { code } });
  });

  it('shows one with everything, and sends it back with its attempts, once', async () => {
    const { id, jobId, links } = await dead('again');
    expect(await read(links.self)).toMatchObject({
      payload: { message: 'again', shouldFail: true },
      options: { attempts: 1 },
      cause: 'attempts_used',
      error: { stack: expect.stringContaining('shouldFail') as string },
      history: [expect.objectContaining({ outcome: 'failed' })],
    });
    const edited = await call('PATCH', links.self, { ...because, data: { message: 'better' } });
    expect(edited).toMatchObject({
      status: 200,
      body: { edited: true, editedPayload: { message: 'better' } },
    });
    const redriven = await call('POST', links.redrive, because);
    expect(redriven).toMatchObject({ status: 202, body: { id: jobId, generation: 1 } });
    expect(redriven.headers.get('location')).toBe(`/api/queue/jobs/${jobId}`);
    await run();
    expect(await read(`/api/queue/jobs/${jobId}`)).toMatchObject({ state: 'completed' });
    expect(await call('POST', links.redrive, because)).toMatchObject({
      status: 409,
      body: { code: 'dead_letter_decided', detail: `Dead letter ${id} is redriven, by local.` },
    });
    expect(await read(links.self)).toMatchObject({
      status: 'redriven',
      redrivenAs: jobId,
      decision: { by: 'local', reason: 'the cause is gone' },
    });
  });

  it('refuses what cannot be', async () => {
    const { links } = await dead('refused');
    expect(await call('POST', links.redrive, { reason: 'x' })).toMatchObject({ status: 422 });
    expect(await call('POST', links.redrive, { ...because, target: 'validation' })).toMatchObject({
      status: 422,
      body: { code: 'redrive_refused', detail: 'Queue "validation" declares no job type "test-job".' },
    });
    const fetching = { target: 'feed-fetch', type: 'fetch-feed' };
    expect(await call('POST', links.redrive, { ...because, ...fetching })).toMatchObject({
      status: 422,
      body: {
        code: 'redrive_refused',
        detail:
          'A job of type "fetch-feed" works under its own id only: leave "target" out, or begin anew with POST /api/imports/start.',
      },
    });
    const data = { importId: randomUUID(), source: 'of nobody' };
    expect(await call('POST', '/api/queue/jobs', { type: 'fetch-feed', data })).toMatchObject({
      status: 422,
      body: { code: 'job_type_bound', detail: expect.stringContaining('POST /api/imports/start') },
    });
    expect(await call('PATCH', links.self, { ...because, data: { message: 7 } })).toMatchObject({
      status: 422,
      body: { code: 'job_payload_invalid', errors: [{ pointer: '#/data/message' }] },
    });
    for (const id of ['default_dlq_nothing', 'x%00y', '%2e%2e', 'wait']) {
      expect((await call('GET', `${PATH}/${id}`)).status).toBe(404);
      expect((await call('POST', `${PATH}/${id}/redrive`, because)).status).toBe(404);
    }
  });

  it('discards with a reason, and restores', async () => {
    const { links } = await dead('rubbish');
    expect(await call('DELETE', links.self)).toMatchObject({ status: 400 });
    expect(await call('DELETE', `${links.self}?reason=not%20needed`)).toMatchObject({ status: 204 });
    expect(await read(links.self)).toMatchObject({ status: 'discarded', decision: { reason: 'not needed' } });
    expect(await call('POST', links.redrive, because)).toMatchObject({ status: 409 });
    expect(await call('POST', `${links.self}/restore`, because)).toMatchObject({
      status: 200,
      body: { status: 'dead' },
    });
    expect(await call('POST', `${links.self}/restore`, because)).toMatchObject({ status: 409 });
  });

  it('retries a failed job by its id and promotes a delayed one', async () => {
    const { jobId, links } = await dead('by its id');
    const retried = await call('POST', `/api/queue/jobs/${jobId}/retry`, {
      ...because,
      data: { message: 'fine' },
    });
    expect(retried).toMatchObject({ status: 202, body: { id: jobId, generation: 1 } });
    expect(await call('POST', `/api/queue/jobs/${jobId}/retry`, because)).toMatchObject({
      status: 409,
      body: { code: 'job_not_failed' },
    });
    await run();
    expect(await read(links.self)).toMatchObject({ status: 'redriven' });
    const later = await server.app
      .get(JobDispatcher)
      .dispatch('test-job', { message: 'later' }, { delayMs: 60_000 });
    expect((await call('POST', `/api/queue/jobs/${later.id}/promote`)).status).toBe(202);
    expect(await call('POST', `/queue/jobs/${later.id}/promote`)).toMatchObject({
      status: 409,
      body: { code: 'job_not_delayed' },
    });
    await run();
    expect((await server.app.get(JobReader).read(later.id ?? ''))?.state).toBe('completed');
    for (const id of ['wait', 'meta', `default_${'x'.repeat(22)}`]) {
      expect((await call('POST', `/api/queue/jobs/${id}/retry`, because)).status).toBe(404);
      expect((await call('POST', `/api/queue/jobs/${id}/promote`)).status).toBe(404);
    }
  });

  it('shows them on the dashboard below their queue, to look at only', async () => {
    const { id, jobId } = await dead('shown');
    await server.app.get(DeadLetterProjection).turn();
    const board = '/admin/queues/api/queues';
    const { body } = await call<{ queues: Record<string, unknown>[] }>(
      'GET',
      `${board}?activeQueue=default_dlq&status=waiting&page=1&jobsPerPage=50`,
    );
    const names = body.queues.map(({ name }) => name);
    expect(names.indexOf('default_dlq')).toBe(names.indexOf('default') + 1);
    expect(body.queues[names.indexOf('default_dlq')]).toMatchObject({
      readOnlyMode: true,
      allowRetries: false,
      delimiter: '_',
    });
    expect((await call('GET', `${board}/default_dlq/${id}`)).status).toBe(200);
    expect((await call('GET', `${board}/default_dlq/meta`)).status).toBe(404);
    for (const path of ['pause', 'empty', 'clean/wait', `${id}/clean`, `${id}/promote`]) {
      expect((await call('PUT', `${board}/default_dlq/${path}`)).status).toBe(405);
    }
    expect((await call('GET', '/api/queue/stats?queue=default_dlq')).status).toBe(404);
    expect((await call('PUT', `${board}/default/${jobId}/retry`)).status).toBe(204);
    expect(await read(`${PATH}/${id}`)).toMatchObject({ status: 'redriven', decision: { by: 'local' } });
    await run();
  });

  it('runs operations: counts beforehand, a handle, progress, and one at a time', async () => {
    const letters = [await dead('bulk 1'), await dead('bulk 2')];
    const ids = letters.map(({ id }) => id);
    const wish = { action: 'redrive', ids, ...because };
    const path = '/api/queue/operations';
    const before = await call('POST', path, { ...wish, dryRun: true });
    expect(before).toMatchObject({
      status: 200,
      body: { dryRun: true, counts: { total: 2, missing: 0, byQueue: { default: 2 } }, sample: ids },
    });
    const started = await call<{ id: string }>('POST', path, wish);
    expect(started).toMatchObject({
      status: 202,
      body: { status: 'running', startedBy: 'local', counts: { total: 2 } },
    });
    const self = started.headers.get('location') ?? '';
    expect(await call('POST', path, wish)).toMatchObject({
      status: 409,
      body: { code: 'operation_running', operationId: started.body.id, queue: 'default' },
    });
    await eventually(async () => {
      await run();
      expect(await read(self)).toMatchObject({
        status: 'halted',
        counts: { total: 2, failure: 1, pending: 1 },
      });
    }, 10_000);
    expect(await read(self)).toMatchObject({ troubles: [{ target: ids[0], status: 'failure' }] });
    expect(await call('POST', `${self}/abort`, because)).toMatchObject({
      status: 409,
      body: { code: 'operation_ended' },
    });
    expect((await read(`${path}?status=halted`))['items']).toHaveLength(1);
  });

  it.each([
    [{ action: 'redrive' }, 'filter'],
    [{ action: 'redrive', filter: {}, ids: ['a'] }, 'filter'],
    [{ action: 'remove', filter: {} }, 'ids'],
    [{ action: 'discard', filter: {}, target: 'default' }, 'target'],
    [{ action: 'redrive', filter: {}, target: 'nowhere' }, 'target'],
    [{ action: 'explode', filter: {} }, 'action'],
    [{ action: 'redrive', filter: {}, rate: 0 }, 'rate'],
    [{ action: 'redrive', filter: {}, maxFailureRatio: 2 }, 'maxFailureRatio'],
    [{ action: 'redrive', filter: { cause: 'boredom' } }, 'filter/cause'],
  ])('answers an operation like %j with 422 at #/%s', async (body, pointer) => {
    const answer = await call<{ errors: { pointer: string }[] }>('POST', '/api/queue/operations', {
      ...because,
      ...body,
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0]?.pointer).toBe(`#/${pointer}`);
  });

  it('takes 10,000 ids at once, and no more', async () => {
    const ids = Array.from({ length: 10_000 }, (_, at) => `default_${String(at).padStart(22, 'x')}`);
    const answer = await call('POST', '/api/queue/operations', { action: 'remove', ids, ...because });
    expect(answer).toMatchObject({ status: 202, body: { counts: { total: 10_000 } } });
    const more = { action: 'remove', ids: [...ids, 'one-more'], ...because };
    expect((await call('POST', '/api/queue/operations', more)).status).toBe(422);
    const path = answer.headers.get('location') ?? '';
    const aborted = await call('POST', `${path}/abort`, because);
    expect([200, 409]).toContain(aborted.status);
  });
});
