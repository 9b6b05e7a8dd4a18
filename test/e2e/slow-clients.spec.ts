import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

const KEY = 'a-key-of-the-slow-spec';
const SOCKETS_OF_EACH_KIND = 150;
// The time-outs of headers and bodies, and the pause between two looks at them.
const DEADLINE_MS = 45_000;

/** A client that sends a byte now and then, and what it is told. */
class SlowClient {
  answer = '';
  isClosed = false;
  private drip?: NodeJS.Timeout;

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => (this.answer += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearInterval(this.drip);
      this.isClosed = true;
    });
  }

  static async connect(url: string): Promise<SlowClient> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new SlowClient(socket);
  }

  /** A beginning, then one byte a second for ever. */
  send(beginning: string, byte: string): this {
    this.socket.write(beginning);
    this.drip = setInterval(() => this.socket.write(byte), 1_000);
    return this;
  }

  close(): void {
    clearInterval(this.drip);
    this.socket.destroy();
  }
}

describe('clients that take their time', () => {
  let server: TestServer;
  const clients: SlowClient[] = [];

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: KEY });
  });
  afterAll(async () => {
    clients.forEach((client) => client.close());
    await server.close();
  });

  const many = async (begin: (client: SlowClient) => SlowClient): Promise<SlowClient[]> => {
    const made = await Promise.all(
      Array.from({ length: SOCKETS_OF_EACH_KIND }, async () => begin(await SlowClient.connect(server.url))),
    );
    clients.push(...made);
    return made;
  };

  it('are told so and sent away, and keep nobody else from being served', async () => {
    const head = `POST /api/queue/jobs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\n`;
    const slowHeaders = await many((client) => client.send('GET /health/live HTTP/1.1\r\nhost: x\r\n', 'x'));
    const slowBodies = await many((client) =>
      client.send(`${head}content-type: application/json\r\ncontent-length: 1000\r\n\r\n`, ' '),
    );
    const idle = await many((client) => client);
    let served = 0;
    let slowestMs = 0;
    const ask = async () => {
      const startedAt = performance.now();
      const answer = await fetch(`${server.url}/api/queue/jobs`, {
        method: 'POST',
        headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({ type: 'test-job', data: { message: 'meanwhile' } }),
      });
      expect(answer.status).toBe(202);
      served += 1;
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    };
    await eventually(async () => {
      await ask();
      const open = [...slowHeaders, ...slowBodies].filter(({ isClosed }) => !isClosed);
      expect(open).toHaveLength(0);
    }, DEADLINE_MS);
    for (const client of [...slowHeaders, ...slowBodies]) expect(client.answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(slowBodies[0]!.answer).toContain('"code":"request_timeout"');
    await ask();
    process.stdout.write(
      `A05 slow=${2 * SOCKETS_OF_EACH_KIND} idle=${idle.length} sent_away=${2 * SOCKETS_OF_EACH_KIND} served=${served} slowest_ms=${Math.round(slowestMs)}\n`,
    );
  }, 60_000);
});
