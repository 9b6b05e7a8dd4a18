// A full disk and files at the size limit, against real processes. Needs root, for a small disk of its own.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setUpOrExit } from './setup.mjs';

const mebibyte = 1024 * 1024;
const diskMebibytes = 256;
const boundary = 'holdfast-disk';
const row = Buffer.from('1,M000001,Ada Berg,member1@example.org,2001-02-03,42,active,17.25\n');
const header = 'member_id,code,full_name,email,joined,score,status,amount\n';
// The API may grow by its buffers, never by the file.
const maxGrowthMebibytes = 64;
const maxWorkerMebibytes = 200;

/** Sends so many bytes of CSV and resolves with the answer, which may come before the end. */
function upload(url, bytes, { isAnnounced = true } = {}) {
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="large.csv"\r\n\r\n${header}`;
  const tail = `\r\n--${boundary}--\r\n`;
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
  if (isAnnounced) headers['content-length'] = head.length + bytes + tail.length;
  return new Promise((done, refuse) => {
    const sent = request(`${url}/api/validations`, { method: 'POST', headers });
    let isAnswered = false;
    sent.once('response', (answer) => {
      isAnswered = true;
      bodyOf(answer).then((body) => done({ ...body, status: answer.statusCode }), refuse);
    });
    // A refused body is not read to its end, and the answer may come after the error of writing.
    sent.on('error', (error) => {
      if (!isAnswered) setTimeout(() => refuse(error), 2_000);
    });
    void sendRows(sent, head, bytes, tail, () => isAnswered);
  });
}

async function bodyOf(answer) {
  return JSON.parse(Buffer.concat(await answer.toArray()).toString());
}

async function sendRows(sent, head, bytes, tail, isOver) {
  const block = Buffer.alloc(Math.floor(mebibyte / row.length) * row.length, row);
  sent.write(head);
  for (let left = bytes; left > 0 && !isOver() && !sent.destroyed; left -= block.length) {
    if (sent.write(left < block.length ? block.subarray(0, left) : block)) continue;
    await Promise.race([new Promise((resume) => void sent.once('drain', resume)), pause(1_000)]);
  }
  if (!isOver()) sent.end(tail);
}

const files = (directory) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

const peakMebibytes = (pid) =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

async function ended(client, id, deadlineMs) {
  for (const deadline = Date.now() + deadlineMs; ; await pause(200)) {
    const run = await client.read(id);
    if (['completed', 'failed'].includes(run.status)) return run;
    if (Date.now() > deadline) throw new Error(`The run is still ${run.status}.`);
  }
}

function expectThat(what, isTrue, found) {
  console.log(`${isTrue ? 'ok' : 'WRONG'}: ${what} (${found})`);
  if (!isTrue) process.exitCode = 1;
}

async function fillDisk({ client }, storage) {
  const { url } = client;
  const announced = await upload(url, 2 * diskMebibytes * mebibyte);
  expectThat('an upload that cannot fit is refused with 507', announced.status === 507, announced.status);
  const growing = await upload(url, 2 * diskMebibytes * mebibyte, { isAnnounced: false });
  expectThat('an upload that fills the disk is refused with 507', growing.status === 507, growing.status);
  expectThat(
    'nothing of either is left',
    files(storage).length === 0,
    files(storage).join(' ') || 'no files',
  );

  const filler = join(storage, 'filler');
  const accepted = await upload(url, 100 * mebibyte);
  expectThat('an upload that fits is accepted', accepted.status === 202, accepted.status);
  // 110 MiB of report follow; 40 are left.
  writeFileSync(filler, Buffer.alloc((diskMebibytes - 140) * mebibyte));
  const run = await ended(client, accepted.validationId, 180_000);
  expectThat(
    'a run without room for its report fails and says so',
    /no room/.test(run.errorMessage),
    run.errorMessage,
  );
  rmSync(filler);
  const left = files(storage);
  expectThat(
    'its upload stays, nothing of its report',
    left.length === 1 && left[0].endsWith('.csv'),
    left.join(' '),
  );
}

async function sendLarge(crew, mebibytes) {
  const { client, api, worker } = crew;
  const before = peakMebibytes(api.process.pid);
  const startedAt = performance.now();
  const answer = await upload(client.url, mebibytes * mebibyte, { isAnnounced: false });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  const growth = peakMebibytes(api.process.pid) - before;
  const isTooLarge = mebibytes >= 2048;
  expectThat(
    `${mebibytes} MiB are answered with ${isTooLarge ? 413 : 202}`,
    answer.status === (isTooLarge ? 413 : 202),
    `${answer.status} after ${seconds} s: ${answer.detail ?? answer.validationId}`,
  );
  expectThat(
    'the API does not grow with the file',
    growth < maxGrowthMebibytes,
    `${growth.toFixed(0)} MiB more`,
  );
  if (isTooLarge) return;
  const run = await ended(client, answer.validationId, 3_600_000);
  const peak = peakMebibytes(worker.process.pid);
  expectThat('it is validated', run.status === 'completed', `${run.status}, ${run.rows?.read} rows`);
  expectThat(
    'the worker does not grow with the file',
    peak < maxWorkerMebibytes,
    `${peak.toFixed(0)} MiB at most`,
  );
  await client.remove(answer.validationId);
}

async function withCrew(prepare, work) {
  const { TortureCrew } = await import('./torture-crew.mjs');
  const home = mkdtempSync(join(tmpdir(), 'holdfast-disk-'));
  chmodSync(home, 0o711);
  const storage = join(home, 'storage');
  mkdirSync(storage);
  const crew = new TortureCrew(home);
  const undo = prepare(storage);
  try {
    await crew.start();
    await work(crew, storage);
  } finally {
    (await crew.stop()).forEach((complaint) => console.error(complaint));
    undo();
    rmSync(home, { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: { large: { type: 'string', default: '2047' }, 'keep-dist': { type: 'boolean', default: false } },
});
// Never the stores that the settings of this shell name.
for (const name of Object.keys(process.env)) {
  if (/^(REDIS_|DATABASE_|HOLDFAST_|VALIDATION_|PORT$|ROLE$|NODE_ENV$)/.test(name)) delete process.env[name];
}
await setUpOrExit({ build: !values['keep-dist'] });
const small = (storage) => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMebibytes}m`, 'tmpfs', storage]);
  return () => execFileSync('umount', [storage]);
};
await withCrew(small, fillDisk);
await withCrew(
  () => () => undefined,
  async (crew) => {
    await sendLarge(crew, 2049);
    if (Number(values.large) > 0) await sendLarge(crew, Number(values.large));
  },
);
