// One validation pass over a million rows, without HTTP and queue, beside psql \copy of the same file; and the parser alone.
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import pg from 'pg';
import { openBenchStores } from './bench-stores.mjs';
import { from as copyFrom } from 'pg-copy-streams';
import { inferSchema, initParser } from 'udsv';
import { tortureRules, writeTortureFile } from '../scripts/torture-file.mjs';

const require = createRequire(import.meta.url);
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const { migrate } = require(join(dist, 'platform/database/migrations.js'));
const { RecordScanner } = require(join(dist, 'integrations/csv/record-scanner.js'));
const { parseRuleSet } = require(join(dist, 'integrations/csv/rule-set.js'));
const { ValidationThreads } = require(
  join(dist, 'workloads/validation/csv-validation/validation-threads.js'),
);

const RSS_INTERVAL_MS = 20;
const CHUNK_BYTES = 256 * 1024;
const columns = tortureRules.columns.map(({ name }) => `${name} text`).join(', ');

const hasPsql = (() => {
  try {
    execFileSync('psql', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** Seconds that the reference takes into an ordinary table of eight columns. */
async function copyReference(client, url, file) {
  await client.query(`DROP TABLE IF EXISTS copied; CREATE TABLE copied (${columns})`);
  await client.query('CHECKPOINT');
  const startedAt = performance.now();
  if (hasPsql) {
    const command = `\\copy copied FROM '${file}' WITH (FORMAT csv, HEADER)`;
    const child = spawn('psql', [url, '-q', '-v', 'ON_ERROR_STOP=1', '-c', command], { stdio: 'inherit' });
    const code = await new Promise((done) => void child.once('close', done));
    if (code !== 0) throw new Error(`psql ended with exit code ${code}.`);
  } else {
    const copy = client.query(copyFrom('COPY copied FROM STDIN WITH (FORMAT csv, HEADER)'));
    await pipeline(createReadStream(file, { highWaterMark: CHUNK_BYTES }), copy);
  }
  return (performance.now() - startedAt) / 1_000;
}

/** One pass, with what it cost the process: seconds, the most memory resident, and how late its own timers were. */
async function pass(threads, client, url, home, file, ruleSet) {
  await client.query('TRUNCATE validation_rows, validation_findings, validation_runs');
  await client.query('CHECKPOINT');
  const runId = randomUUID();
  await client.query(
    `INSERT INTO validation_runs (id, file_id, file_name, status, attempt) VALUES ($1, $1, 'rows.csv', 'processing', 1)`,
    [runId],
  );
  const lag = monitorEventLoopDelay({ resolution: 5 });
  const before = process.memoryUsage.rss();
  let residentBytes = before;
  const sampler = setInterval(() => {
    residentBytes = Math.max(residentBytes, process.memoryUsage.rss());
  }, RSS_INTERVAL_MS);
  lag.enable();
  const startedAt = performance.now();
  const result = await threads.run(
    {
      runId,
      attempt: 1,
      uploadPath: file,
      reportPath: join(home, 'report.csv'),
      ruleSet,
      database: { connectionString: url },
      maxStoredFindings: 100_000,
    },
    { onProgress: () => undefined, signal: AbortSignal.timeout(600_000) },
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  lag.disable();
  clearInterval(sampler);
  const growthBytes = residentBytes - before;
  return { seconds, residentBytes, growthBytes, lagMs: lag.percentile(99) / 1e6 - 5, result };
}

function forEachChunk(file, use) {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const descriptor = openSync(file, 'r');
  for (let read; (read = readSync(descriptor, chunk)) > 0;) use(chunk.subarray(0, read));
  closeSync(descriptor);
}

/** Does a task in a thread of its own, whose memory goes with it; gives its result and the seconds that it took. */
async function inThread(task, file, rows) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { task, file, rows } });
  return await new Promise((done, refuse) => {
    worker.once('message', done).once('error', refuse);
  });
}

/** Rows per second of a parser that leaves every cell ready to be looked at. */
async function parseSpeed(parser, file, rows) {
  const { result, seconds } = await inThread(parser, file, rows);
  if (result !== rows) throw new Error(`The parser ${parser} found ${result} rows instead of ${rows}.`);
  return rows / seconds;
}

function scan(file) {
  const scanner = new RecordScanner({ delimiter: 44 });
  let records = 0;
  forEachChunk(file, (chunk) => {
    const { offset } = scanner.room();
    scanner.bytes.set(chunk, offset);
    scanner.filled(chunk.length);
    while (scanner.next()) records++;
  });
  scanner.end();
  while (scanner.next()) records++;
  return records - 1;
}

function parseWithUdsv(file) {
  const decoder = new TextDecoder();
  let records = 0;
  let parser;
  forEachChunk(file, (chunk) => {
    const text = decoder.decode(chunk, { stream: true });
    parser ??= initParser(inferSchema(text));
    parser.chunk(text, parser.stringArrs, (row) => void (records += row.length > 0 ? 1 : 0));
  });
  parser.end();
  return records;
}

if (!isMainThread) {
  const { task, file, rows } = workerData;
  const tasks = {
    write: () => writeTortureFile(file, rows).then(() => undefined),
    scanner: () => scan(file),
    udsv: () => parseWithUdsv(file),
  };
  const startedAt = performance.now();
  const result = await tasks[task]();
  parentPort.postMessage({ result, seconds: (performance.now() - startedAt) / 1_000 }, []);
}

/** Runs the rounds, reference and pass in turn; resolves with the rows of the result table. */
export async function run({ rows = 1_000_000, rounds = 5 } = {}) {
  const stores = await openBenchStores({ redis: false });
  const { home, databaseUrl: url } = stores;
  const client = new pg.Client({ connectionString: url });
  const threads = new ValidationThreads();
  try {
    await client.connect();
    await migrate(url, [{ name: 'validation', folder: join(dist, 'workloads/validation/migrations') }]);
    const file = join(home, 'rows.csv');
    await inThread('write', file, rows);
    const ruleSet = parseRuleSet(tortureRules);
    const measured = [];
    for (let round = 0; round < rounds; round++) {
      const reference = await copyReference(client, url, file);
      const validated = await pass(threads, client, url, home, file, ruleSet);
      if (validated.result.rows.read !== rows) throw new Error('The pass did not read every row.');
      measured.push({
        'reference, rows/s': rows / reference,
        'pass: parsed, checked, stored, reported, rows/s': rows / validated.seconds,
        'ratio to the reference': reference / validated.seconds,
        'resident while it runs, whole process, MB': validated.residentBytes / 1e6,
        'of it more than before, MB': validated.growthBytes / 1e6,
        'lag of the main loop meanwhile, p99 ms': Math.max(0, validated.lagMs),
      });
      console.error(
        `round ${round + 1}: \\copy ${reference.toFixed(2)} s, pass ${validated.seconds.toFixed(2)} s`,
      );
    }
    for (const round of measured) {
      round['parser alone, rows/s'] = await parseSpeed('scanner', file, rows);
      round['udsv to arrays of strings, rows/s'] = await parseSpeed('udsv', file, rows);
    }
    return {
      title: `CSV validation pass, ${rows.toLocaleString('en')} rows × 8 columns, ${rounds} rounds (reference: ${hasPsql ? 'psql \\copy' : 'COPY … FROM STDIN'})`,
      measured,
      notes: [
        'the pass begins with the start of its thread in the first round, in a thread that waits for it later, and ends with rows, findings, report and result committed',
        'the parser leaves cells as places in memory, udsv as strings; both read the file in chunks of 256 KiB',
      ],
    };
  } finally {
    await threads.close();
    await client.end().catch(() => undefined);
    await stores.close();
  }
}
