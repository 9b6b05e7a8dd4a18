// One million rows over HTTP, from the accepted upload to the report, beside psql \copy of the same file.
import { execFileSync, spawn } from 'node:child_process';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { TortureCrew } from '../scripts/torture-crew.mjs';
import { tortureRules, writeTortureFile } from '../scripts/torture-file.mjs';

const RUN_DEADLINE_MS = 300_000;
const PROBE_INTERVAL_MS = 10;
// A fiftieth of what is measured; every look costs the API two milliseconds.
const LOOK_INTERVAL_MS = 20;
const columns = tortureRules.columns.map(({ name }) => `${name} text`).join(', ');

/** Whether this machine has psql; where it has none, the same bytes go through COPY … FROM STDIN. */
function hasPsql() {
  try {
    execFileSync('psql', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function withClient(url, work) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Seconds that the reference takes into an ordinary table of eight columns. */
async function copyReference(url, file) {
  await withClient(url, (client) =>
    client.query(`DROP TABLE IF EXISTS copied; CREATE TABLE copied (${columns}); CHECKPOINT`),
  );
  const startedAt = performance.now();
  if (hasPsql()) {
    const child = spawn(
      'psql',
      [url, '-q', '-v', 'ON_ERROR_STOP=1', '-c', `\\copy copied FROM '${file}' WITH (FORMAT csv, HEADER)`],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const code = await new Promise((done) => void child.once('close', done));
    if (code !== 0) throw new Error(`psql ended with exit code ${code}.`);
  } else {
    await withClient(url, (client) =>
      pipeline(
        createReadStream(file),
        client.query(copyFrom('COPY copied FROM STDIN WITH (FORMAT csv, HEADER)')),
      ),
    );
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  await withClient(url, (client) => client.query('DROP TABLE copied'));
  return seconds;
}

/** Uploads with plain node:http, so that the moment of the last byte is known. */
async function upload(url, file) {
  const boundary = 'holdfast-benchmark';
  const part = (name, rest = '') =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${rest}\r\n\r\n`;
  const head = `${part('ruleSet')}${JSON.stringify(tortureRules)}\r\n${part('file', '; filename="rows.csv"')}`;
  const tail = `\r\n--${boundary}--\r\n`;
  const { size } = await stat(file);
  const headers = {
    'content-type': `multipart/form-data; boundary=${boundary}`,
    'content-length': Buffer.byteLength(head) + size + tail.length,
  };
  const sent = request(`${url}/api/validations`, { method: 'POST', headers });
  const answered = new Promise((done, refuse) => sent.once('response', done).once('error', refuse));
  sent.write(head);
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    if (!sent.write(chunk)) await new Promise((resume) => void sent.once('drain', resume));
  }
  const lastByteAt = await new Promise((done) => void sent.end(tail, () => done(performance.now())));
  const answer = await answered;
  const answerMs = performance.now() - lastByteAt;
  const body = JSON.parse(Buffer.concat(await answer.toArray()).toString());
  if (answer.statusCode !== 202) throw new Error(`The upload was refused: ${JSON.stringify(body)}`);
  return { id: body.validationId, answerMs };
}

/** Asks for the path again and again, one request at a time, and collects how long each took. */
function probe(url) {
  const times = [];
  const end = new AbortController();
  const ended = (async () => {
    while (!end.signal.aborted) {
      const startedAt = performance.now();
      await (await fetch(url)).arrayBuffer();
      times.push(performance.now() - startedAt);
      await sleep(PROBE_INTERVAL_MS);
    }
  })();
  return async () => {
    end.abort();
    await ended;
    return times.toSorted((a, b) => a - b);
  };
}

const p99 = (sorted) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? 0;

/** The most memory a process ever had resident, in MB. */
function peakMegabytes(pid) {
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1_024;
}

/** Probing costs a good part of a core, so that speed and the waiting of others are measured in runs of their own. */
async function validate(crew, file, databaseUrl, probed = []) {
  await withClient(databaseUrl, (client) => client.query('CHECKPOINT'));
  const { id, answerMs } = await upload(crew.client.url, file);
  const acceptedAt = performance.now();
  const stops = probed.map(probe);
  let state = await crew.client.read(id);
  for (
    const deadline = Date.now() + RUN_DEADLINE_MS;
    state.status !== 'completed';
    state = await crew.client.read(id)
  ) {
    if (state.status === 'failed' || Date.now() > deadline)
      throw new Error(`The run is ${state.status}: ${state.errorMessage}`);
    await sleep(LOOK_INTERVAL_MS);
  }
  const seconds = (performance.now() - acceptedAt) / 1_000;
  const waits = await Promise.all(stops.map((stop) => stop()));
  await crew.client.remove(id);
  await untilRemoved(databaseUrl);
  return { seconds, answerMs, p99Ms: waits.map(p99) };
}

/** A million rows that are still being deleted, and the vacuum after them, would slow the next measurement down. */
async function untilRemoved(databaseUrl) {
  await withClient(databaseUrl, async (client) => {
    for (const deadline = Date.now() + RUN_DEADLINE_MS; ;) {
      const { rows } = await client.query('SELECT count(*)::int AS left FROM validation_removals');
      if (rows[0].left === 0) break;
      if (Date.now() > deadline) throw new Error('The rows of a removed run are still there.');
      await sleep(200);
    }
    await client.query('VACUUM validation_rows');
  });
}

/** Runs the rounds, reference and Holdfast in turn; resolves with the rows of the result table. */
export async function run({ rows = 1_000_000, rounds = 5 } = {}) {
  const home = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const crew = new TortureCrew(home);
  try {
    const file = join(home, 'rows.csv');
    await writeTortureFile(file, rows);
    await crew.start();
    const workerUrl = (await crew.worker.ready()).replace('localhost', '127.0.0.1');
    const databaseUrl = await crew.databaseUrl();
    const measured = [];
    for (let round = 0; round < rounds; round += 1) {
      const reference = await copyReference(databaseUrl, file);
      const holdfast = await validate(crew, file, databaseUrl);
      const others = await validate(crew, file, databaseUrl, [
        `${crew.client.url}/api/queue/stats`,
        `${workerUrl}/health/live`,
      ]);
      measured.push({
        'reference, rows/s': rows / reference,
        'upload accepted to report ready, rows/s': rows / holdfast.seconds,
        'ratio to the reference': reference / holdfast.seconds,
        '202 after the last byte, ms': holdfast.answerMs,
        'GET /api/queue/stats meanwhile, p99 ms': others.p99Ms[0],
        'GET /health/live of the worker meanwhile, p99 ms': others.p99Ms[1],
      });
      console.error(
        `round ${round + 1}: \\copy ${reference.toFixed(2)} s, validation ${holdfast.seconds.toFixed(2)} s`,
      );
    }
    return {
      title: `CSV validation, ${rows.toLocaleString('en')} rows × 8 columns, ${rounds} rounds (reference: ${hasPsql() ? 'psql \\copy' : 'COPY … FROM STDIN'})`,
      measured,
      notes: [
        `peak resident: worker ${peakMegabytes(crew.worker.process.pid).toFixed(0)} MB, api ${peakMegabytes(crew.api.process.pid).toFixed(0)} MB`,
      ],
    };
  } finally {
    const complaints = await crew.stop();
    complaints.forEach((complaint) => console.error(complaint));
    await rm(home, { recursive: true, force: true });
  }
}
