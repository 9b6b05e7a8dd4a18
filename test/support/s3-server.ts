import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import {
  createServer,
  request as send,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Rver {
  run(): Promise<{ port: number }>;
  close(): Promise<void>;
}

// It brings no types.
const S3rver = createRequire(__filename)('s3rver') as new (options: object) => Rver;

// The keys that s3rver knows.
const KEY_ID = 'S3RVER';
const SECRET = 'S3RVER';
const BUCKET = 'holdfast-test';

type Fault = 'drop' | 'fail' | 'hang';

interface Trap {
  readonly matches: (request: string) => boolean;
  readonly fault: Fault;
  left: number;
}

/**
 * A store that speaks S3 on a real socket: s3rver, behind a door that checks signatures (AWS, Signature Version 4),
 * hashes of bodies and what becomes of every multipart upload, none of which s3rver does, and that can fail.
 */
export class S3Server {
  /** `PUT /bucket/key?query`, in the order of their coming. */
  readonly requests: string[] = [];
  readonly refusals: string[] = [];
  /** Multipart uploads that were begun and neither completed nor given up. */
  readonly openUploads = new Set<string>();
  private readonly sockets = new Set<Socket>();
  private readonly traps: Trap[] = [];
  private front: Server;
  private port = 0;
  private backPort = 0;

  private constructor(
    private readonly back: Rver,
    private readonly directory: string,
  ) {
    this.front = this.door();
  }

  static async start(): Promise<S3Server> {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-s3-'));
    const options = { address: '127.0.0.1', port: 0, silent: true, directory, resetOnClose: false };
    const back = new S3rver({ ...options, configureBuckets: [{ name: BUCKET }] });
    const server = new S3Server(back, directory);
    server.backPort = (await back.run()).port;
    await server.comeBack();
    return server;
  }

  get settings(): Record<string, string> {
    const query = `endpoint=http://127.0.0.1:${this.port}&region=eu-test-1&forcePathStyle=true`;
    return {
      STORAGE_URL: `s3://${BUCKET}/some/prefix?${query}`,
      AWS_ACCESS_KEY_ID: KEY_ID,
      AWS_SECRET_ACCESS_KEY: SECRET,
    };
  }

  /** The next requests that match meet this fault: the connection ends, a 500 comes, or nothing ever does. */
  fail(matches: (request: string) => boolean, fault: Fault, times = 1): void {
    this.traps.push({ matches, fault, left: times });
  }

  forgive(): void {
    this.traps.length = 0;
  }

  /** Nobody listens any more, under the same address. */
  async goAway(): Promise<void> {
    const closed = new Promise((done) => this.front.close(done));
    this.sockets.forEach((socket) => socket.destroy());
    await closed;
  }

  async comeBack(): Promise<void> {
    this.front = this.door();
    await new Promise<void>((done) => this.front.listen(this.port, '127.0.0.1', done));
    this.port = (this.front.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    if (this.front.listening) await this.goAway();
    await this.back.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  private door(): Server {
    const server = createServer((request, response) => void this.answer(request, response));
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    return server;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const line = `${request.method} ${request.url}`;
    this.requests.push(line);
    const trap = this.traps.find(({ matches, left }) => left > 0 && matches(line));
    if (trap !== undefined) {
      trap.left -= 1;
      if (trap.fault === 'hang') return;
      if (trap.fault === 'drop') {
        // In the middle of the body.
        request.once('data', () => request.socket.destroy());
        if (request.method === 'GET' || request.method === 'HEAD') request.socket.destroy();
        return;
      }
    }
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const body = Buffer.concat(chunks);
    if (trap?.fault === 'fail') return void response.writeHead(500).end(errorBody('InternalError'));
    const wrong = faultOf(request, body);
    if (wrong !== undefined) {
      this.refusals.push(`${line}: ${wrong}`);
      return void response.writeHead(403).end(errorBody('SignatureDoesNotMatch'));
    }
    this.forward(request, response, body);
  }

  private forward(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const { searchParams } = new URL(request.url ?? '/', 'http://x');
    const uploadId = searchParams.get('uploadId');
    if (request.method === 'DELETE' && uploadId !== null) {
      // s3rver does not know how to give an upload up.
      this.openUploads.delete(uploadId);
      return void response.writeHead(204).end();
    }
    const { headers, method, url } = request;
    const passed = send({ port: this.backPort, host: '127.0.0.1', method, path: url, headers }, (answer) => {
      const isBegin = method === 'POST' && searchParams.has('uploads');
      if (method === 'POST' && uploadId !== null && answer.statusCode === 200)
        this.openUploads.delete(uploadId);
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.on('data', (chunk: Buffer) => {
        const begun = isBegin ? /<UploadId>([^<]+)</.exec(chunk.toString())?.[1] : undefined;
        if (begun !== undefined) this.openUploads.add(begun);
      });
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    response.once('close', () => passed.destroy());
    passed.end(body);
  }
}

function errorBody(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
}

const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
const encoded = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/** What is wrong with the signature or the hash of a request, by the description of AWS; undefined when nothing is. */
function faultOf({ headers, method = '', url = '' }: IncomingMessage, body: Buffer): string | undefined {
  const shape =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
  const [, keyId, day = '', region = '', signed = '', signature = ''] =
    shape.exec(headers.authorization ?? '') ?? [];
  if (keyId !== KEY_ID) return 'no signature of a known key';
  const told = headers['x-amz-content-sha256'] as string | undefined;
  if (told === undefined) return 'no hash of the body';
  if (/^[0-9a-f]{64}$/.test(told) && told !== sha256(body)) return 'another body';
  if (!/^[0-9a-f]{64}$/.test(told) && told !== 'UNSIGNED-PAYLOAD') return `the body is ${told}`;
  const md5 = headers['content-md5'];
  if (typeof md5 === 'string' && md5 !== createHash('md5').update(body).digest('base64'))
    return 'another MD5';
  const { pathname, searchParams } = new URL(url, 'http://x');
  const query = [...searchParams].map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
  const names = signed.split(';');
  const canonical = [
    method,
    pathname,
    query.toSorted((one, other) => (one < other ? -1 : 1)).join('&'),
    ...names.map(
      (name) =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replace(/ +/g, ' ')}`,
    ),
    '',
    signed,
    told,
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', String(headers['x-amz-date']), scope, sha256(canonical)].join('\n');
  const key = [region, 's3', 'aws4_request'].reduce<Buffer>(hmac, hmac(`AWS4${SECRET}`, day));
  const expected = hmac(key, text);
  return timingSafeEqual(expected, Buffer.from(signature, 'hex')) ? undefined : 'another signature';
}
