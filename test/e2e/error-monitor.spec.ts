import { sql } from 'drizzle-orm';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { Database } from '../../src/platform/database/database.service';
import { holdfastVersion } from '../../src/platform/queue/worker-identity';
import { mailOutbox } from '../../src/workloads/tasks/mail.tables';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;

interface ErrorGroup {
  readonly fingerprint: string;
  readonly status: string;
  readonly count: number;
  readonly queues: string[];
  readonly types: string[];
  readonly errorMessage: string;
  readonly firstVersion: string | null;
  readonly regression: boolean;
}
interface Told {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Takes what it is told; the answers come from the front of the list, then 204. */
class WebhookSink {
  readonly told: Told[] = [];
  readonly answers: number[] = [];
  private readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.told.push({
        headers: request.headers as Record<string, string>,
        body: Buffer.concat(chunks).toString(),
      });
      response.writeHead(this.answers.shift() ?? 204).end();
    });
  });

  async open(): Promise<number> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  alerts(): { kind: string; errorMessage: string; count: number }[] {
    return this.told.flatMap(({ body }) => (JSON.parse(body) as { groups: never[] }).groups);
  }
}

describe('the error monitor', () => {
  let server: TestServer;
  const sink = new WebhookSink();

  beforeAll(async () => {
    const port = await sink.open();
    server = await startTestServer({
      ROLE: 'all',
      ERROR_ALERT_WEBHOOK_URL: `http://127.0.0.1:${port}/alerts`,
      ERROR_ALERT_WEBHOOK_SECRET: SECRET,
      ERROR_ALERT_EMAIL: 'oncall@example.org',
      ERROR_ALERT_RATE: '500',
      OUTBOUND_ALLOW_ADDRESSES: '127.0.0.0/8',
      OUTBOUND_ALLOW_PORTS: `80,${port}`,
      QUEUE_CONCURRENCY: 'email=50',
    });
  });
  afterAll(async () => {
    await server.close();
    await sink.close();
  });

  async function ask(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    return { status: answer.status, body: await answer.json() };
  }
  const groups = async (query = '') =>
    ((await ask('GET', `/api/queue/errors?limit=200${query}`)).body as { items: ErrorGroup[] }).items;
  const groupOf = async (text: string) =>
    (await groups()).find(({ errorMessage }) => errorMessage.includes(text));
  const counted = (text: string, count: number) =>
    eventually(async () => expect((await groupOf(text))?.count).toBe(count), 60_000);

  /** Jobs that die at once, of this and nothing else. */
  async function kill(message: string, count = 1): Promise<void> {
    const jobs = Array.from({ length: count }, () => ({
      type: 'EMAIL_SEND',
      data: {
        to: 'ada@example.org',
        subject: message,
        template: 'test',
        attachments: [{ filename: 'a.txt', path: 'file_0000000000000000000000' }],
      },
      options: { attempts: 1 },
    }));
    const { status } = await ask('POST', '/api/queue/jobs/batch', { jobs });
    expect(status).toBe(202);
  }
  const CAUSE = 'is not there, or has expired';

  it('groups what dies of the same, and tells of it once: in a signed call and by mail', async () => {
    sink.answers.push(503);
    await kill('first', 3);
    await counted(CAUSE, 3);
    const group = await groupOf(CAUSE);
    expect(group).toMatchObject({
      status: 'open',
      queues: ['email'],
      types: ['EMAIL_SEND'],
      firstVersion: holdfastVersion,
      regression: false,
    });
    await eventually(() => expect(sink.told).toHaveLength(2), 20_000);
    const [refused, taken] = sink.told;
    expect(taken?.headers['webhook-id']).toBe(refused?.headers['webhook-id']);
    const verified = new Webhook(SECRET).verify(taken?.body ?? '', taken?.headers ?? {});
    expect(verified).toMatchObject({
      type: 'error.alert',
      groups: [{ kind: 'new', fingerprint: group?.fingerprint, queues: ['email'] }],
      more: 0,
    });
    expect(() => new Webhook(SECRET).verify(`${taken?.body} `, taken?.headers ?? {})).toThrow();
    await eventually(async () => {
      const mails = await server.app.get(Database, { strict: false }).query.select().from(mailOutbox);
      const own = mails.filter(({ recipients }) => recipients.includes('oncall@example.org'));
      expect(own.map(({ subject }) => subject)).toEqual(['Jobs die of one error']);
    }, 10_000);
    await kill('again', 2);
    await counted(CAUSE, 5);
    expect(sink.told).toHaveLength(2);
  }, 60_000);

  it('counts hundreds that die together exactly, by few jobs, and says that they are too many', async () => {
    await kill('flood', 400);
    await kill('flood', 400);
    await counted(CAUSE, 805);
    await eventually(
      () => expect(sink.alerts().map(({ kind }) => kind)).toEqual(['new', 'new', 'rate']),
      20_000,
    );
    const { rows } = await server.app
      .get(Database, { strict: false })
      .query.execute<{ jobs: number }>(
        sql`SELECT count(*)::int AS jobs FROM ledger_jobs WHERE queue = 'error-monitor' AND type = 'error-monitor-job'`,
      );
    expect(rows[0]?.jobs).toBeLessThan(150);
  }, 90_000);

  it('opens what was resolved when it comes back, and keeps quiet about what is ignored', async () => {
    const { fingerprint } = (await groupOf(CAUSE))!;
    const resolved = await ask('POST', `/api/queue/errors/${fingerprint}/resolve`, {
      reason: 'repaired',
    });
    expect(resolved).toMatchObject({
      status: 200,
      body: { status: 'resolved', decision: { reason: 'repaired' } },
    });
    expect(await groups('&status=resolved')).toHaveLength(1);
    await kill('not repaired');
    await counted(CAUSE, 806);
    expect(await groupOf(CAUSE)).toMatchObject({ status: 'open', regression: true });
    await eventually(() => expect(sink.alerts().at(-1)?.kind).toBe('regression'), 20_000);
    await ask('POST', `/api/queue/errors/${fingerprint}/ignore`, {});
    const told = sink.told.length;
    await kill('ignored');
    await counted(CAUSE, 807);
    expect(await groupOf(CAUSE)).toMatchObject({ status: 'ignored' });
    expect(sink.told).toHaveLength(told);
  }, 60_000);

  it('finds what a release was the first to meet, by its numbers', async () => {
    expect(await groups(`&newSince=${holdfastVersion}`)).toHaveLength(1);
    expect(await groups('&newSince=99.0.0')).toEqual([]);
    expect(await groups('&newSince=0.0.1&queue=email')).toHaveLength(1);
    expect(await groups('&queue=default')).toEqual([]);
    expect((await ask('GET', '/api/queue/errors?newSince=next')).status).toBe(400);
    expect((await ask('POST', '/api/queue/errors/0123456789abcdef/resolve', {})).status).toBe(404);
  });
});
