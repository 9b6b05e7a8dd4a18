import { importJWK, jwtVerify } from 'jose';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { generate } from 'selfsigned';
import { generateVAPIDKeys } from 'web-push';
import { PushBrowser, type SubscriptionJson } from './push-browser';

const pair = generateVAPIDKeys();

/** Who sends in the tests of this process. */
export const vapidSettings = {
  VAPID_PUBLIC_KEY: pair.publicKey,
  VAPID_PRIVATE_KEY: pair.privateKey,
  VAPID_SUBJECT: 'mailto:operator@example.org',
};

export interface ReceivedPush {
  readonly browser: string;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: number;
  readonly message: Readonly<Record<string, unknown>>;
}

/** Answers one push instead of the service; `answer` does what the service would have done. */
export type Disturbance = (response: ServerResponse, answer: () => void) => void;

const DAY_SECONDS = 86_400;

/** A push service on loopback that takes what a real one would: pushes of the one sender, which their browsers can read. */
export class PushService {
  readonly received: ReceivedPush[] = [];
  /** Whatever came and a real service, or the browser, would have refused. */
  readonly refused: string[] = [];
  /** Each is used for one push to the browser, in turn. */
  readonly disturbances = new Map<string, Disturbance[]>();
  private readonly browsers = new Map<string, PushBrowser>();
  private readonly held = new Set<() => void>();
  private holds = false;

  private constructor(
    private readonly server: Server,
    private readonly scheme: string,
    /** The file that `NODE_EXTRA_CA_CERTS` has to name for whoever sends to it. */
    readonly authority: string | undefined,
  ) {
    server.on('request', (request, response: ServerResponse) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const told = `${request.method} ${request.url}`;
        void this.take(told, request.headers, Buffer.concat(chunks), response);
      });
    });
  }

  static open(): Promise<PushService> {
    return PushService.listen(createServer(), 'http');
  }

  /** With TLS, as browsers have it. */
  static async openWithTls(): Promise<PushService> {
    const names = [{ type: 7, ip: '127.0.0.1' }];
    const extensions = [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: names },
    ];
    const options = { algorithm: 'sha256', keySize: 2_048, days: 30, extensions };
    const { private: key, cert } = generate([{ name: 'commonName', value: '127.0.0.1' }], options);
    const authority = join(await mkdtemp(join(tmpdir(), 'holdfast-authority-')), 'authority.pem');
    await writeFile(authority, cert);
    return PushService.listen(createTlsServer({ key, cert }), 'https', authority);
  }

  private static async listen(server: Server, scheme: string, authority?: string): Promise<PushService> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new PushService(server, scheme, authority);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `${this.scheme}://127.0.0.1:${this.port}`;
  }

  /** What the servers under test need to send to it. */
  get settings(): Record<string, string> {
    return {
      ...vapidSettings,
      OUTBOUND_ALLOW_ADDRESSES: '127.0.0.0/8',
      OUTBOUND_ALLOW_PORTS: `443,${this.port}`,
      ...(this.authority !== undefined && { NODE_EXTRA_CA_CERTS: this.authority }),
    };
  }

  /** What the browser of that name hands to its application. */
  subscribe(name: string): SubscriptionJson {
    const browser = this.browsers.get(name) ?? PushBrowser.create();
    this.browsers.set(name, browser);
    return browser.subscription(`${this.origin}/push/${name}`);
  }

  disturb(browser: string, ...disturbances: Disturbance[]): void {
    this.disturbances.set(browser, disturbances);
  }

  of(browser: string): ReceivedPush[] {
    return this.received.filter((push) => push.browser === browser);
  }

  /** From now on what comes is taken, and answered only when it is let go. */
  hold(): void {
    this.holds = true;
  }

  letGo(): void {
    this.holds = false;
    this.held.forEach((answer) => answer());
    this.held.clear();
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
    if (this.authority !== undefined) await rm(dirname(this.authority), { recursive: true });
  }

  private async take(
    told: string,
    headers: IncomingHttpHeaders,
    body: Buffer,
    response: ServerResponse,
  ): Promise<void> {
    const [, name = ''] = /^POST \/push\/([\w-]+)$/.exec(told) ?? [];
    try {
      await this.checkSender(headers);
      const text = this.browsers.get(name)!.read(body);
      const message = JSON.parse(text) as ReceivedPush['message'];
      this.received.push({ browser: name, headers, bytes: body.length, message });
    } catch (error) {
      this.refused.push(`${told}: ${String(error)}`);
      response.writeHead(400).end();
      return;
    }
    const answer = () => void response.writeHead(201, { location: `${this.origin}/message/1` }).end();
    const disturbance = this.disturbances.get(name)?.shift();
    if (disturbance !== undefined) disturbance(response, answer);
    else if (this.holds) this.held.add(answer);
    else answer();
  }

  /** As RFC 8292 describes it. */
  private async checkSender({ authorization = '', ...headers }: IncomingHttpHeaders): Promise<void> {
    const [, token = '', key = ''] = /^vapid t=([^,]+), k=([\w-]+)$/.exec(authorization) ?? [];
    if (key !== vapidSettings.VAPID_PUBLIC_KEY) throw new Error('It is of another sender.');
    const point = Buffer.from(key, 'base64url');
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
    const { payload } = await jwtVerify(
      token,
      await importJWK({ kty: 'EC', crv: 'P-256', x: x!, y: y! }, 'ES256'),
      {
        algorithms: ['ES256'],
        audience: this.origin,
        requiredClaims: ['exp', 'sub'],
      },
    );
    if (payload.exp! > Date.now() / 1_000 + DAY_SECONDS) throw new Error('It is valid for too long.');
    if (payload.sub !== vapidSettings.VAPID_SUBJECT) throw new Error('It names somebody else.');
    if (headers['content-encoding'] !== 'aes128gcm') throw new Error('It is encoded in another way.');
    if (!/^\d+$/.test(String(headers['ttl']))) throw new Error('It has no TTL.');
  }
}

/** Answers with a status. */
export const answerWith =
  (status: number, headers: Record<string, string> = {}): Disturbance =>
  (response) =>
    void response.writeHead(status, headers).end('no');
