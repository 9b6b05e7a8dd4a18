// An API and a worker as a team runs them, on private stores, for the benchmarks that measure whole jobs.
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { ServerChild } from '../scripts/server-child.mjs';
import { openBenchStores } from './bench-stores.mjs';
import { familyMicros, processorMicros } from './processor-time.mjs';

const PREFIX = 'bench';
const BATCH = 1_000;
const LOOK_INTERVAL_MS = 10;
// The end is read from the jobs, so that nobody has to ask often while they run.
const DRAIN_LOOK_INTERVAL_MS = 250;
const RUN_DEADLINE_MS = 900_000;
const STOP_DEADLINE_MS = 60_000;
const unfinished = ['waiting', 'prioritized', 'active', 'delayed', 'paused'];

/** Starts another program of this folder, with more in its environment; resolves with what it tells first. */
export function startProgram(name, settings, more = {}) {
  const env = { ...process.env, ...more };
  const child = fork(fileURLToPath(new URL(name, import.meta.url)), [JSON.stringify(settings)], { env });
  const told = new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} and told nothing.`)));
  });
  return { child, told };
}

export class JobCrew {
  static async start(settings = {}) {
    const crew = new JobCrew();
    crew.stores = await openBenchStores();
    crew.home = crew.stores.home;
    crew.settings = {
      NODE_ENV: 'test',
      PORT: '0',
      LOG_LEVEL: 'warn',
      HOLDFAST_HOME: crew.home,
      REDIS_URL: crew.stores.redisUrl,
      DATABASE_URL: crew.stores.databaseUrl,
      REDIS_PREFIX: PREFIX,
      ...settings,
    };
    crew.api = crew.launch('api');
    crew.url = (await crew.api.ready()).replace('localhost', '127.0.0.1');
    crew.worker = crew.launch('worker');
    await crew.worker.ready();
    return crew;
  }

  launch(role) {
    const log = join(this.home, `${role}.log`);
    return new ServerChild({ ...this.settings, ROLE: role }, { log, cwd: this.home });
  }

  queue(name) {
    return new Queue(name, { connection: { url: this.stores.redisUrl }, prefix: PREFIX });
  }

  async post(path, body) {
    const isForm = body instanceof FormData;
    const answer = await fetch(`${this.url}${path}`, {
      method: 'POST',
      ...(!isForm && { headers: { 'content-type': 'application/json' } }),
      body: isForm ? body : JSON.stringify(body),
    });
    const told = await answer.json();
    if (!answer.ok)
      throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(told).slice(0, 500)}`);
    return told;
  }

  /** Seconds from the moment at which stored jobs may begin until the last one has ended, as BullMQ notes it; throws when one failed. */
  async drain(name, jobs) {
    return (await this.drainMeasured(name, jobs)).seconds;
  }

  /** Likewise, with the microseconds of processor time that each process has used meanwhile. */
  async drainMeasured(name, jobs) {
    const queue = this.queue(name);
    try {
      const failedBefore = await queue.getFailedCount();
      await queue.pause();
      for (let from = 0; from < jobs.length; from += BATCH)
        await this.post('/api/queue/jobs/batch', { jobs: jobs.slice(from, from + BATCH) });
      const before = await this.processorTime();
      const startedAt = Date.now();
      await queue.resume();
      for (const deadline = startedAt + RUN_DEADLINE_MS; ; await sleep(DRAIN_LOOK_INTERVAL_MS)) {
        const counts = await queue.getJobCounts(...unfinished);
        if (Object.values(counts).every((count) => count === 0)) break;
        if (Date.now() > deadline) throw new Error(`Not done in time: ${JSON.stringify(counts)}`);
      }
      const after = await this.processorTime();
      const failed = (await queue.getFailedCount()) - failedBefore;
      if (failed > 0)
        throw new Error(`${failed} jobs failed: ${(await queue.getFailed(0, 0))[0]?.failedReason}`);
      const [last] = await queue.getCompleted(0, 0);
      const micros = Object.entries(after).map(([process, spent]) => [process, spent - before[process]]);
      return { seconds: (last.finishedOn - startedAt) / 1_000, micros: Object.fromEntries(micros) };
    } finally {
      await queue.close();
    }
  }

  /** One job alone: its result, and the seconds from when it was stored to its end, as BullMQ notes them. */
  async runOne(name, type, data) {
    const { id } = await this.post('/api/queue/jobs', { type, data });
    const queue = this.queue(name);
    try {
      for (
        const deadline = Date.now() + RUN_DEADLINE_MS;
        Date.now() < deadline;
        await sleep(LOOK_INTERVAL_MS)
      ) {
        const job = await queue.getJob(id);
        if (job?.finishedOn === undefined) continue;
        if (job.failedReason) throw new Error(`${type} failed: ${job.failedReason}`);
        return { result: job.returnvalue, seconds: (job.finishedOn - job.timestamp) / 1_000 };
      }
      throw new Error(`${type} was not done in time.`);
    } finally {
      await queue.close();
    }
  }

  /** Microseconds of processor time that each of the processes has used so far. */
  async processorTime() {
    const redis = new Redis(this.stores.redisUrl);
    const database = new pg.Client({ connectionString: this.stores.databaseUrl });
    await database.connect();
    try {
      const [, redisPid] = (await redis.info('server')).match(/process_id:(\d+)/);
      const { rows } = await database.query('SELECT pg_backend_pid() AS pid');
      return {
        worker: processorMicros(this.worker.process.pid),
        api: processorMicros(this.api.process.pid),
        redis: processorMicros(redisPid),
        postgresql: familyMicros(rows[0].pid),
        benchmark: processorMicros(process.pid),
      };
    } finally {
      await database.end();
      redis.disconnect();
    }
  }

  /** Memory of the worker in MB: now, or the most there ever was. */
  workerMegabytes(field = 'VmHWM') {
    const status = readFileSync(`/proc/${this.worker.process.pid}/status`, 'utf8');
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1_024;
  }

  async stop() {
    for (const child of [this.worker, this.api]) await child?.stop('SIGTERM', STOP_DEADLINE_MS);
    await this.stores?.close();
  }
}

/** The variants one after the other, in another order each round, so that none always runs on a warmer machine. */
export async function interleaved(rounds, variants, toMeasures) {
  const names = Object.keys(variants);
  const measured = [];
  for (let round = 0; round < rounds; round += 1) {
    const told = {};
    for (const name of names.map((_, at) => names[(at + round) % names.length]))
      told[name] = await variants[name](round);
    measured.push(toMeasures(told));
    console.error(`round ${round + 1}: ${JSON.stringify(measured.at(-1))}`);
  }
  return measured;
}
