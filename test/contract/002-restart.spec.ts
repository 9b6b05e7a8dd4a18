import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../support/eventually';
import { holdValidationsUp, query } from '../faults/database-client';
import { FaultScene } from '../faults/fault-scene';
import { runScript } from './script-run';

const startDeadlineMs = 30_000;
const lineDeadlineMs = 10_000;
const exitDeadlineMs = 30_000;

describe('document 002, servers that stop and start again', () => {
  const scene = new FaultScene();
  let file = '';

  beforeAll(async () => {
    await scene.open();
    file = join(scene.home, 'members.csv');
    await writeFile(file, 'id,name\n1,Ada\n');
  });

  afterAll(() => scene.close());

  const rules = { name: 'people', columns: [{ name: 'id', type: 'integer' }] };
  const statusOf = async (id: string) =>
    (
      await query<{ status: string }>(scene.databaseUrl, 'SELECT status FROM validation_runs WHERE id = $1', [
        id,
      ])
    )[0]?.status;
  const logsOf = async (id: string) =>
    (
      await query<{ message: string }>(
        scene.databaseUrl,
        `SELECT message FROM validation_logs WHERE validation_run_id = $1 AND source = 'worker' ORDER BY timestamp`,
        [id],
      )
    ).map(({ message }) => message);
  const line = (text: string) => new RegExp(text.replace(/[[\]]/g, '\\$&'));

  it('jobs in the queue survive; each step is a log line in the words of the document', async () => {
    const api = await scene.start({ ROLE: 'api' });
    const { status, body } = await api.api.upload(file, rules);
    expect(status).toBe(202);
    const id = String(body['validationId']);
    await api.server.line(
      line(`"[QUEUE] Enqueued validation job validation-${id} for run ${id}"`),
      lineDeadlineMs,
    );
    const waiting = () => scene.redis.query((client) => client.llen('bull:validation:wait'));
    await eventually(async () => expect(await waiting()).toBe(1));
    api.server.signal('SIGTERM');
    expect(await api.server.exit(exitDeadlineMs)).toEqual({ code: 0, signal: null });
    expect(await statusOf(id)).toBe('queued');

    const { server } = await scene.start({ ROLE: 'worker' });
    await server.line(line(`"[WORKER] Started processing job validation-${id}"`), startDeadlineMs);
    await server.line(line(`"[WORKER] Job validation-${id} completed"`), startDeadlineMs);
    expect(await statusOf(id)).toBe('completed');
    await eventually(async () =>
      expect(await logsOf(id)).toEqual([
        `[WORKER] Started processing job validation-${id}`,
        `[WORKER] Job validation-${id} completed`,
      ]),
    );
    server.signal('SIGTERM');
    expect((await server.exit(exitDeadlineMs)).code).toBe(0);
  }, 120_000);

  it('SIGTERM: the current job finishes, Redis is closed after it, the process ends; the next job waits for the restart', async () => {
    const first = await scene.start({ VALIDATION_CONCURRENCY: '1' });
    const probe = (path: string) => runScript('probe.mjs', [`${first.server.url}${path}`], {});
    // What the containers' health check runs.
    expect((await probe('/health/ready')).code).toBe(0);
    const letGo = await holdValidationsUp(scene.databaseUrl);
    const current = String((await first.api.upload(file, rules)).body['validationId']);
    await eventually(async () => expect(await statusOf(current)).toBe('processing'), lineDeadlineMs);
    const next = String((await first.api.upload(file, rules)).body['validationId']);
    await eventually(async () =>
      expect(await scene.redis.query((client) => client.llen('bull:validation:wait'))).toBe(1),
    );
    first.server.signal('SIGTERM');
    await first.server.line(/Shutting down workers gracefully\.\.\./, lineDeadlineMs);
    expect((await probe('/health/ready')).code).toBe(1);
    // A connection that stood idle may be closed under the first request after the signal.
    await eventually(async () => expect((await first.api.upload(file, rules)).status).toBe(503));
    await letGo();
    expect(await first.server.exit(exitDeadlineMs)).toEqual({ code: 0, signal: null });
    expect(first.server.output).toMatch(/^Shutdown complete$/m);
    expect([await statusOf(current), await statusOf(next)]).toEqual(['completed', 'queued']);

    await scene.start();
    await eventually(async () => expect(await statusOf(next)).toBe('completed'), startDeadlineMs);
  }, 120_000);
});
