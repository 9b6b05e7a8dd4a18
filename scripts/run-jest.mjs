// Makes the clone ready and runs Jest in it, for each of the suites.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUpOrExit } from './setup.mjs';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const reports = join(root, '.jest-cache');

/** A suite brings its own stores; a developer's servers and settings must not leak into it. */
export function forgetSettings() {
  for (const name of Object.keys(process.env)) {
    if (/^(REDIS_|DATABASE_URL$|HOLDFAST_|PORT$|ROLE$)/.test(name)) delete process.env[name];
  }
}

/** Builds what is tested; a report of an earlier run must not stand for this one. */
export async function prepareSuite({ report }) {
  rmSync(join(reports, report), { force: true });
  await setUpOrExit({ build: true });
  mkdirSync(reports, { recursive: true });
}

/**
 * Runs what `given` names, or else the whole suite with a report, and ends this process with Jest's exit code.
 * @param {{ config: string, report: string, given: string[], wholeSuite?: string[], env?: Record<string, string> }} suite
 */
export function runJest({ config, report, given, wholeSuite = [], env = {} }) {
  const everything = [...wholeSuite, '--json', `--outputFile=${join(reports, report)}`];
  const args = [
    join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
    '-c',
    join(root, 'test', config),
    ...(given.length > 0 ? given : everything),
  ];
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });

  // Jest gets a terminal's Ctrl-C by itself and ends with it; this process waits to pass its exit code on.
  process.on('SIGINT', () => undefined);
  process.once('SIGTERM', () => child.kill('SIGTERM'));
  child.once('exit', (code) => process.exit(code ?? 1));
}
