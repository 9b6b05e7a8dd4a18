import { Queue, Worker, type JobsOptions } from 'bullmq';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import type { ChaosPayload } from './chaos.payload';
import { runChaos } from './chaos-work';
import { EffectSink } from './effect-sink';

// What teams glue together in an afternoon, and what each of Holdfast's protections is measured against:
// default connections, the caller's options as they come, ids by BullMQ, a `failed` listener that fills a second
// queue, a close without a limit. It is kept simple, but it is not sabotaged: all of this is in somebody's repository.
const { REDIS_URL = '', DATABASE_URL = '', ROLE = 'all' } = process.env;
const { hostname: host, port } = new URL(REDIS_URL);
const connection = { host, port: Number(port) };

interface Body {
  readonly data: ChaosPayload;
  readonly options?: JobsOptions;
}

const queue = new Queue<ChaosPayload>('chaos', { connection });
const dead = new Queue('chaos_dlq', { connection });
const counter = new Redis(REDIS_URL);
const worker = ROLE === 'api' ? undefined : work();

for (const emitter of [queue, dead, counter]) emitter.on('error', () => undefined);

function work(): Worker<ChaosPayload> {
  const sink = new EffectSink(DATABASE_URL);
  const running = new Worker<ChaosPayload>('chaos', (job) => runChaos(job.data, sink), {
    connection,
    concurrency: Number(process.env['CHAOS_CONCURRENCY'] ?? 5),
    ...(process.env['CHAOS_LOCK_MS'] !== undefined && { lockDuration: Number(process.env['CHAOS_LOCK_MS']) }),
    ...(process.env['CHAOS_STALLED_MS'] !== undefined && {
      stalledInterval: Number(process.env['CHAOS_STALLED_MS']),
    }),
  });
  running.on('error', () => undefined);
  running.on('failed', (job, error) => {
    if (job === undefined || job.finishedOn === undefined) return;
    void dead.add('dead', { id: job.id, data: job.data, reason: error.message });
  });
  return running;
}

/** Counts requests by a script that is loaded once, as the Redis documentation shows it. */
async function countRequests(): Promise<() => Promise<unknown>> {
  const hash = (await counter.script('LOAD', "return redis.call('INCR', KEYS[1])")) as string;
  return () => counter.evalsha(hash, 1, 'requests');
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const path = request.url ?? '';
  if (request.method !== 'POST') {
    const job = await queue.getJob(path.split('/').at(-1) ?? '');
    return send(response, job === undefined ? 404 : 200, { id: job?.id, state: await job?.getState() });
  }
  await (
    await counting
  )();
  const { data, options } = JSON.parse(Buffer.concat(chunks).toString()) as Body;
  const job = await queue.add('chaos-job', data, { attempts: 3, backoff: 200, ...options });
  send(response, 202, { id: job.id });
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const counting = countRequests();
const server = createServer((request, response) => {
  answer(request, response).catch((error: Error) => send(response, 500, { message: error.message }));
});

process.once('SIGTERM', () => {
  void (async () => {
    server.close();
    await worker?.close();
    await queue.close();
    process.exit(0);
  })();
});

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
