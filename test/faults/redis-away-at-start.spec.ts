import { eventually } from '../support/eventually';
import type { ApiClient } from './api-client';
import { FaultScene } from './fault-scene';

// What a caller is promised while Redis is away.
const promisedMs = 1_000;
const healDeadlineMs = 30_000;

interface Route {
  readonly method: string;
  readonly path: string;
}

// Not in the API's own list, but promised all the same.
const unlisted = ['/admin/queues', '/admin/queues/api/queues', '/queue/stats', '/validations'];

// What a sound request is, so that the answer is not about the request.
const bodies: Record<string, object> = {
  '/api/queue/jobs': { type: 'test-job', data: { message: 'listed' } },
  '/api/queue/test': { action: 'add-job' },
};

/** Every operation that the API lists, with an id of the right shape where one belongs. */
async function listedRoutes(api: ApiClient): Promise<Route[]> {
  const { body } = await api.get('/openapi.json');
  return Object.entries(body['paths'] as Record<string, object>).flatMap(([path, operations]) =>
    Object.keys(operations).map((operation) => ({ method: operation.toUpperCase(), path: withIds(path) })),
  );
}

function withIds(path: string): string {
  const id = path.includes('validations')
    ? '01890a5d-ac96-774b-bcce-b302099a8057'
    : 'default_AAAAAAAAAAAAAAAAAAAAAA';
  return path.replace(/\/queues\/\{[^}]+\}/, '/queues/default').replace(/\{[^}]+\}/g, id);
}

describe('F10: Redis is down when the server starts', () => {
  const scene = new FaultScene();
  let api: ApiClient;

  beforeAll(async () => {
    await scene.open({ isRedisUp: false });
    ({ api } = await scene.start());
  }, 60_000);

  afterAll(() => scene.close());

  it('starts all the same, is alive and says that it is not ready', async () => {
    expect((await api.get('/health/live', promisedMs)).status).toBe(200);
    expect((await api.get('/health/ready', promisedMs)).status).toBe(503);
  });

  it('refuses a job with 503 and a problem that says what to do', async () => {
    const answer = await api.addTestJob('before', promisedMs);
    expect(answer).toMatchObject({ status: 503, type: 'application/problem+json' });
    expect(answer.body).toMatchObject({ code: 'storage_unavailable', status: 503 });
  });

  it('answers every listed route in time, and with no server error but 503', async () => {
    const listed = await listedRoutes(api);
    expect(listed.length).toBeGreaterThan(15);
    const routes = [...listed, ...unlisted.map((path) => ({ method: 'GET', path }))];
    const answers: string[] = [];
    for (const { method, path } of routes) {
      const body = ['POST', 'PUT', 'PATCH'].includes(method) ? (bodies[path] ?? {}) : undefined;
      const { status } = await api.call(method, path, body, promisedMs);
      if (status >= 500 && status !== 503) answers.push(`${method} ${path} ${status}`);
    }
    expect(answers).toEqual([]);
  });

  it('heals without a restart as soon as Redis appears, and runs jobs', async () => {
    await scene.redis.start();
    await eventually(async () => expect((await api.get('/health/ready')).status).toBe(200), healDeadlineMs);
    const answer = await api.addTestJob('after');
    expect(answer.status).toBe(202);
    await api.waitForJob(String(answer.body['id']), healDeadlineMs);
    expect((await api.get('/health/live')).status).toBe(200);
  }, 90_000);
});
