// Kills the worker, the private Redis or the private PostgreSQL in the middle of validations, again and again, and counts afterwards.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setUpOrExit } from './setup.mjs';

const ends = ['completed', 'failed', 'cancelled'];
const pollMs = 20;
// The lock of a killed worker's job runs out after 15 s, the next look at stalled jobs is up to 5 s later.
const recoveryMs = 20_000;
// A run that is ten times slower than it should be counts as stuck.
const patience = 10;
// How often a run's progress is written; kills shall not all come right after that.
const progressTickMs = 250;
// A kill that came too late is repeated.
const maxTriesToHit = 10;

const choices = {
  worker: ['worker'],
  redis: ['redis'],
  database: ['database'],
  both: ['worker', 'redis'],
  all: ['worker', 'redis', 'database'],
};

function readOptions() {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '20' },
      rows: { type: 'string', default: '1000000' },
      victim: { type: 'string', default: 'both' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      // For the suite, which has built it already and runs other servers from it meanwhile.
      'keep-dist': { type: 'boolean', default: false },
    },
  });
  const victims = choices[values.victim];
  const numbers = ['runs', 'rows', 'seed'].map((name) => Number(values[name]));
  if (victims === undefined || numbers.some((number) => !Number.isInteger(number) || number < 1)) {
    console.error(
      `Usage: npm run torture -- --runs 20 --rows 1000000 --victim ${Object.keys(choices).join('|')} --seed 42`,
    );
    process.exit(2);
  }
  const [runs, rows, seed] = numbers;
  return { runs, rows, seed, victims, isBuilt: values['keep-dist'] };
}

/** The same seed gives the same moments (mulberry32). */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Waits for a state, or for so much progress; a process that ends although nobody has killed it ends the wait as well. */
async function waitFor(crew, id, states, deadlineMs, percent = Infinity) {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    // While Redis is away or the API restarts, an answer may be missing.
    const run = await crew.client.read(id).catch((error) => ({ status: error.message }));
    if (states.includes(run.status) || run.progress >= percent) return run;
    await crew.assertAlive();
    if (Date.now() > deadline)
      throw new Error(`it is still "${run.status}" after ${Math.round(deadlineMs / 1000)} s`);
    await pause(pollMs);
  }
}

async function kill(crew, victim, id) {
  const { status, progress } = await crew.client.read(id);
  if (ends.includes(status)) return undefined;
  if (victim === 'redis') crew.killRedis();
  else if (victim === 'database') await crew.killDatabase();
  else {
    await crew.killWorker();
    await crew.startWorker();
  }
  return progress;
}

/** One upload, one kill, one count; undefined when the run was over before the kill. */
async function torment({ crew, file, victim, percent, momentMs, usualMs }) {
  const { client } = crew;
  const { validationId: id } = await client.upload(file.path, file.rules);
  const uploadedAt = performance.now();
  await waitFor(crew, id, ['processing', ...ends], recoveryMs);
  const begunAt = performance.now();
  if (percent !== undefined) await waitFor(crew, id, ends, recoveryMs + patience * usualMs, percent);
  if (victim !== undefined) await pause(momentMs);
  const killedAfterMs = performance.now() - begunAt;
  const progress = victim === undefined ? 0 : await kill(crew, victim, id);
  const run = await waitFor(crew, id, ends, recoveryMs + patience * usualMs);
  const endedAt = performance.now();
  if (run.status !== 'completed') throw new Error(`it ended as ${run.status}: ${run.errorMessage}`);
  const found = await file.check(id);
  await client.remove(id);
  if (progress === undefined) return undefined;
  return { ...found, progress, killedAfterMs, workMs: endedAt - begunAt, tookMs: endedAt - uploadedAt };
}

/** By the clock, which hits what has no progress yet, or by progress, which hits the ends of slow runs as well. */
function momentFrom(random, usualMs) {
  if (random() < 0.5) return { momentMs: random() * usualMs };
  return { percent: random() * 100, momentMs: random() * progressTickMs };
}

async function tormentUntilHit(options, random) {
  for (let tries = 0; tries < maxTriesToHit; tries++) {
    const result = await torment({ ...options, ...momentFrom(random, options.usualMs) });
    if (result !== undefined) return result;
  }
  throw new Error(`it was over before the kill, ${maxTriesToHit} times`);
}

function describe({ tookMs, rows, doubled, lost, deviations }) {
  const counts = `completed in ${(tookMs / 1000).toFixed(1)} s, rows=${rows} doubled=${doubled} lost=${lost}`;
  return [counts, ...deviations].join('; ');
}

async function tormentAll({ crew, file, runs, victims, seed }) {
  const undisturbed = await torment({ crew, file, usualMs: 60_000 });
  console.log(`undisturbed: ${describe(undisturbed)}`);
  const random = randomFrom(seed);
  let failed = undisturbed.deviations.length > 0 ? 1 : 0;
  let slowestMs = 0;
  for (let run = 1; run <= runs; run++) {
    const victim = victims[(run - 1) % victims.length];
    try {
      const result = await tormentUntilHit({ crew, file, victim, usualMs: undisturbed.workMs }, random);
      slowestMs = Math.max(slowestMs, result.tookMs);
      if (result.deviations.length > 0) failed++;
      const moment = `${Math.floor(result.progress)} % (${(result.killedAfterMs / 1000).toFixed(1)} s)`;
      console.log(`run ${run}: ${victim} killed at ${moment}, ${describe(result)}`);
    } catch (error) {
      failed++;
      console.log(`run ${run}: ${victim} killed, but ${error.message}`);
    }
  }
  console.log(
    `${runs} runs, ${failed} wrong; undisturbed ${(undisturbed.tookMs / 1000).toFixed(1)} s, slowest ${(slowestMs / 1000).toFixed(1)} s.`,
  );
  return failed;
}

async function torture({ runs, rows, seed, victims }) {
  const { TortureCrew } = await import('./torture-crew.mjs');
  const { checkRun } = await import('./torture-checks.mjs');
  const { tortureRules, writeTortureFile } = await import('./torture-file.mjs');
  const home = mkdtempSync(join(tmpdir(), 'holdfast-torture-'));
  // Under root PostgreSQL runs as another user, who has to pass through.
  chmodSync(home, 0o711);
  const crew = new TortureCrew(home);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void breakOff(crew, home));
  let failed = 0;
  try {
    const path = join(home, 'torture.csv');
    const truth = await writeTortureFile(path, rows);
    await crew.start();
    const databaseUrl = await crew.databaseUrl();
    const check = (id) => checkRun({ client: crew.client, databaseUrl, id, truth });
    console.log(`${rows} rows, seed ${seed}, victims: ${victims.join(' and ')}`);
    failed = await tormentAll({ crew, file: { path, rules: tortureRules, check }, runs, victims, seed });
  } finally {
    const complaints = await crew.stop();
    complaints.forEach((complaint) => console.error(complaint));
    failed += complaints.length;
    rmSync(home, { recursive: true, force: true });
  }
  return failed === 0;
}

/** Leaves neither processes nor data behind. */
async function breakOff(crew, home) {
  await crew.stop();
  rmSync(home, { recursive: true, force: true });
  process.exit(1);
}

const options = readOptions();
// It kills stores: never those that the settings of this shell name.
for (const name of Object.keys(process.env)) {
  if (/^(REDIS_|DATABASE_|HOLDFAST_|PORT$|ROLE$|NODE_ENV$)/.test(name)) delete process.env[name];
}
await setUpOrExit({ build: !options.isBuilt });
try {
  process.exitCode = (await torture(options)) ? 0 : 1;
} catch (error) {
  console.error(`The torture broke off: ${error.message}`);
  process.exitCode = 1;
}
