import { eventually } from '../support/eventually';
import { PushService } from '../support/push-service';
import type { ApiClient } from './api-client';
import { query } from './database-client';
import { FaultScene } from './fault-scene';

const BROWSERS = ['ada-1', 'ada-2', 'ada-3', 'ada-4'];
const RECOVERY_MS = 60_000;

describe('a worker that is killed while push services have its pushes and have not answered', () => {
  const scene = new FaultScene();
  let service: PushService;
  let api: ApiClient;

  beforeAll(async () => {
    await scene.open();
    service = await PushService.openWithTls();
    ({ api } = await scene.start({ ...service.settings, LOG_LEVEL: 'warn', ROLE: 'api' }));
  });
  afterAll(async () => {
    service.letGo();
    await scene.close();
    await service.close();
  });

  const worker = () => scene.start({ ...service.settings, LOG_LEVEL: 'warn', ROLE: 'worker' });

  it('is followed by another, and each browser has the notification under one topic', async () => {
    for (const name of BROWSERS) {
      const said = { userId: 'ada', ...service.subscribe(name) };
      const { status } = await api.call('POST', '/api/notifications/subscriptions', said);
      expect(status).toBe(201);
    }
    const first = await worker();
    service.hold();
    const data = { userId: 'ada', title: 'Reminder', body: 'It is time', channels: ['push'] };
    const { body } = await api.call('POST', '/api/queue/jobs', { type: 'USER_NOTIFICATION', data });
    await eventually(() => expect(service.received).toHaveLength(BROWSERS.length), 30_000);
    await first.server.kill();
    service.letGo();
    await worker();
    await api.waitForJob(String(body['id']), RECOVERY_MS);
    const { result } = (await api.get(`/api/queue/jobs/${String(body['id'])}`)).body as {
      result: { pushJobIds: string[] };
    };
    expect(result.pushJobIds).toHaveLength(BROWSERS.length);
    for (const id of result.pushJobIds) await api.waitForJob(id, RECOVERY_MS);

    const topics = new Set(service.received.map(({ headers }) => headers['topic']));
    const messages = new Set(service.received.map(({ message }) => JSON.stringify(message)));
    const jobs = await query(scene.databaseUrl, 'SELECT 1 FROM outbox');
    process.stdout.write(
      `PUSH-KILLED browsers=${BROWSERS.length} pushes=${service.received.length} topics=${topics.size} messages=${messages.size}\n`,
    );
    // The services had the pushes when their sender died: by the topic, the second takes the place of the first.
    expect(BROWSERS.map((name) => service.of(name).length)).toEqual([2, 2, 2, 2]);
    expect([topics.size, messages.size, jobs.length, service.refused]).toEqual([1, 1, 0, []]);
  }, 150_000);
});
