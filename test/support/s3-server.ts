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
import { KEY_ID, SECRET, signatureFaultOf } from './s3-signature';
import { S3Uploads } from './s3-uploads';

interface Rver {
  run(): Promise<{ port: number }>;
  close(): Promise<void>;
}

// It brings no types.
const S3rver = createRequire(__filename)('s3rver') as new (options: object) => Rver;

const BUCKET = 'holdfast-test';

/** The connection ends, a 500 comes, nothing ever does, it is done and nobody hears of it, or it is not known here. */
type Fault = 'drop' | 'fail' | 'hang' | 'mute' | 'unknown';

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
  readonly openUploads = new S3Uploads();
  /** Requests that have met a fault. */
  readonly trapped: string[] = [];
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

  /** The next requests that match meet this fault. */
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
      this.trapped.push(line);
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
    if (trap?.fault === 'unknown') return void response.writeHead(501).end(errorBody('NotImplemented'));
    const wrong = signatureFaultOf(request, body);
    if (wrong !== undefined) {
      this.refusals.push(`${line}: ${wrong}`);
      return void response.writeHead(403).end(errorBody('SignatureDoesNotMatch'));
    }
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x');
    const uploadId = searchParams.get('uploadId');
    // s3rver knows neither how to list uploads nor how to give one up.
    if (request.method === 'GET' && searchParams.has('uploads'))
      return void response.writeHead(200).end(this.openUploads.list(searchParams));
    if (uploadId !== null && !this.openUploads.has(uploadId))
      return void response.writeHead(404).end(errorBody('NoSuchUpload'));
    if (request.method === 'DELETE' && uploadId !== null) {
      this.openUploads.end(uploadId);
      return void response.writeHead(204).end();
    }
    this.forward(request, response, body, {
      uploadId,
      key: pathname.slice(`/${BUCKET}/`.length),
      isBegin: request.method === 'POST' && searchParams.has('uploads'),
      isMute: trap?.fault === 'mute',
    });
  }

  private forward(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    asked: { uploadId: string | null; key: string; isBegin: boolean; isMute: boolean },
  ): void {
    const { headers, method, url } = request;
    const { uploadId, key, isBegin, isMute } = asked;
    const passed = send({ port: this.backPort, host: '127.0.0.1', method, path: url, headers }, (answer) => {
      if (method === 'POST' && uploadId !== null && answer.statusCode === 200) this.openUploads.end(uploadId);
      if (isMute) {
        answer.resume();
        return;
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.on('data', (chunk: Buffer) => {
        const begun = isBegin ? /<UploadId>([^<]+)</.exec(chunk.toString())?.[1] : undefined;
        if (begun !== undefined) this.openUploads.begin(begun, key);
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
