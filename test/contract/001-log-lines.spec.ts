import { FaultScene, type StartedServer } from '../faults/fault-scene';

const lineDeadlineMs = 20_000;
const exitDeadlineMs = 20_000;

describe('document 001, what a server logs', () => {
  const scene = new FaultScene();
  let started: StartedServer;

  beforeAll(async () => {
    await scene.open();
    started = await scene.start();
  }, 60_000);

  afterAll(() => scene.close());

  /** The log entry with these words; every entry is one JSON line. */
  const entry = async (text: string) => {
    const escaped = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const [found] = await started.server.line(new RegExp(`^.*"msg":"${escaped}.*$`, 'm'), lineDeadlineMs);
    return JSON.parse(found) as Record<string, unknown>;
  };
  const add = async (data: object, options: object = {}) => {
    const { body } = await started.api.call('POST', '/api/queue/jobs', { type: 'test-job', data, options });
    return String(body['id']);
  };

  it('a job that starts and completes, with queue, duration and correlation id', async () => {
    const id = await add({ message: 'm' });
    const begin = await entry(`Processing job ${id} from queue default`);
    const end = await entry(`✅ Job ${id} completed successfully`);
    expect(begin).toMatchObject({ level: 'info', jobId: id, queue: 'default', attempt: 1 });
    expect(end).toMatchObject({ level: 'info', jobId: id, durationMs: expect.any(Number) });
    expect(end['correlationId']).toBe(begin['correlationId']);
  });

  it('a job that fails, with its reason, each time', async () => {
    const id = await add(
      { message: 'm', shouldFail: true },
      { attempts: 2, backoff: { type: 'fixed', delay: 1 } },
    );
    expect(await entry(`❌ Job ${id} failed: `)).toMatchObject({
      level: 'error',
      msg: expect.stringContaining('shouldFail'),
      attempt: 1,
      attempts: 2,
      durationMs: expect.any(Number),
      stack: expect.stringContaining('Error: '),
    });
    await started.server.line(new RegExp(`❌ Job ${id} failed: .*"attempt":2`), lineDeadlineMs);
  });

  it('Redis connected, away, and back; and that the workers noticed', async () => {
    const connected = () => started.server.output.split('✅ Redis connected successfully').length - 1;
    await entry('✅ Redis connected successfully');
    const before = connected();
    await scene.redis.kill();
    expect(await entry('Redis connection error: ')).toMatchObject({ level: 'error' });
    expect(await entry('Worker error in ')).toMatchObject({ level: 'error' });
    await scene.redis.start();
    const again = new RegExp(`(?:✅ Redis connected successfully[^]*?){${before + 1}}`);
    await started.server.line(again, lineDeadlineMs);
  }, 60_000);

  it('a stop, from its first word to its last', async () => {
    started.server.signal('SIGTERM');
    await entry('Shutting down workers gracefully...');
    expect(await started.server.exit(exitDeadlineMs)).toEqual({ code: 0, signal: null });
    expect(started.server.output.trimEnd()).toMatch(/Shutdown complete$/);
  });
});
