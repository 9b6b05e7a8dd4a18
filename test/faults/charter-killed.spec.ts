import { eventually } from '../support/eventually';
import { SmtpSink } from '../support/smtp-sink';
import type { ApiClient } from './api-client';
import { query } from './database-client';
import { FaultScene } from './fault-scene';

const REQUESTS = 30;
const RECOVERY_MS = 120_000;

describe('a worker that is killed in the middle of thirty charter requests', () => {
  const scene = new FaultScene();
  const sink = new SmtpSink();
  const settings = { LOG_LEVEL: 'warn', SHUTDOWN_TIMEOUT_MS: '5000' };
  let api: ApiClient;

  beforeAll(async () => {
    await sink.listen();
    await scene.open();
    ({ api } = await scene.start({ ...settings, ROLE: 'api', SMTP_URL: sink.url }));
  });
  afterAll(async () => {
    sink.letGo();
    await scene.close();
    await sink.close();
  });

  const worker = () => scene.start({ ...settings, ROLE: 'worker', SMTP_URL: sink.url });
  const count = async (text: string) => {
    const [row] = await query<{ n: number }>(scene.databaseUrl, `SELECT count(*)::int AS n FROM ${text}`);
    return row?.n ?? 0;
  };

  it('is followed by others, which end every flow once, with one Message-ID each', async () => {
    const ids: string[] = [];
    for (let at = 0; at < REQUESTS; at += 1) {
      const { status, body } = await api.call('POST', '/api/charter-requests', {
        message: `${1 + (at % 8)} people from Teterboro to Van Nuys on 14 March 2031`,
        clientEmail: `client-${at % 10}@example.org`,
      });
      expect(status).toBe(202);
      ids.push(String(body['requestId']));
    }
    const first = await worker();
    const second = await worker();
    // The limit of ten a second keeps others waiting and at work.
    await eventually(async () => expect(await count('charter_proposals')).toBeGreaterThan(3), 60_000);
    await first.server.kill();
    await eventually(async () => expect(await count('charter_proposals')).toBeGreaterThan(12), 60_000);
    await second.server.kill();
    expect(await count(`charter_requests WHERE status = 'proposed'`)).toBeLessThan(REQUESTS);
    await worker();

    await eventually(async () => {
      expect(await count(`charter_requests WHERE status = 'proposed'`)).toBe(REQUESTS);
      expect(new Set(sink.received.map(({ mail }) => mail.messageId)).size).toBe(REQUESTS);
    }, RECOVERY_MS);
    for (const id of ids) {
      await eventually(async () => {
        const { body } = await api.get(`/api/flows/${id}`);
        expect(body).toMatchObject({ state: 'completed', ignoredFailures: [] });
      }, RECOVERY_MS);
    }
    const subjects = new Set(sink.received.map(({ mail }) => mail.messageId));
    const flows = await count('flows');
    const sent = await count('charter_proposals WHERE sent_at IS NOT NULL');
    const [counted] = await query<{ n: number }>(
      scene.databaseUrl,
      'SELECT sum(request_count)::int AS n FROM clients',
    );
    const dead = await count('dead_letters');
    process.stdout.write(
      `CHARTER-KILLED requests=${REQUESTS} kills=2 flows=${flows} proposals=${sent} mails=${sink.received.length} ` +
        `messageIds=${subjects.size} requestsOfClients=${counted?.n} deadLetters=${dead}\n`,
    );
    expect([flows, sent, subjects.size, counted?.n, dead]).toEqual([
      REQUESTS,
      REQUESTS,
      REQUESTS,
      REQUESTS,
      0,
    ]);
  }, 300_000);
});
