import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** What the tests look at of a reported event. */
export interface ReportedEvent {
  readonly level: string;
  readonly environment: string;
  readonly release: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fingerprint: readonly string[];
  readonly exception: {
    readonly values: readonly {
      readonly type: string;
      readonly value: string;
      readonly stacktrace?: { readonly frames: readonly Record<string, unknown>[] };
    }[];
  };
}

/** An address of the test's own that takes Sentry's envelopes, or does worse. */
export class SentrySink {
  /** Each envelope as it came. */
  readonly envelopes: string[] = [];
  readonly paths: string[] = [];
  /** Requests that began, answered or not. */
  requests = 0;
  /** `hang` never answers. */
  answer: number | 'hang' = 200;
  headers: Readonly<Record<string, string>> = {};
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      this.requests += 1;
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const isPacked = request.headers['content-encoding'] === 'gzip';
        this.envelopes.push((isPacked ? gunzipSync(body) : body).toString());
        this.paths.push(`${request.method} ${request.url?.split('?')[0]}`);
        this.reply(response);
      });
    });
  }

  static async open(): Promise<SentrySink> {
    const sink = new SentrySink();
    await new Promise<void>((done) => sink.server.listen(0, '127.0.0.1', done));
    return sink;
  }

  get dsn(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://publickey@127.0.0.1:${port}/42`;
  }

  /** The events of all envelopes; throws where one is no envelope or holds anything else. */
  get events(): ReportedEvent[] {
    return this.envelopes.map((text) => {
      const [head, item, event, ...rest] = text.trimEnd().split('\n');
      JSON.parse(head ?? '');
      expect(JSON.parse(item ?? '')).toMatchObject({ type: 'event' });
      expect(rest).toEqual([]);
      return JSON.parse(event ?? '') as ReportedEvent;
    });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((done) => this.server.close(() => done()));
    this.server.closeAllConnections();
    await closed;
  }

  private reply(response: ServerResponse): void {
    if (this.answer !== 'hang') response.writeHead(this.answer, this.headers).end('{}');
  }
}
