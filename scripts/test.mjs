// Makes the clone ready, then runs Jest: the whole suite with coverage, or just what the arguments name.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUpOrExit } from './setup.mjs';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const report = join(root, '.jest-cache', 'report.json');
const leastCoveredLinesPercent = 85;

// The suite brings its own stores; a developer's servers and settings must not leak into it.
for (const name of Object.keys(process.env)) {
  if (/^(REDIS_|DATABASE_URL$|HOLDFAST_|PORT$|ROLE$)/.test(name)) delete process.env[name];
}

function hasSources(directory) {
  return (
    existsSync(directory) &&
    readdirSync(directory, { recursive: true }).some((file) => /(?<!\.spec)\.ts$/.test(file))
  );
}

function wholeSuite() {
  const rooms = ['src/platform', 'src/workloads'].filter((room) => hasSources(join(root, room)));
  const threshold = Object.fromEntries(
    rooms.map((room) => [`./${room}/`, { lines: leastCoveredLinesPercent }]),
  );
  return [
    '--coverage',
    `--coverageThreshold=${JSON.stringify(threshold)}`,
    '--json',
    `--outputFile=${report}`,
  ];
}

rmSync(report, { force: true });
await setUpOrExit({ build: true });
mkdirSync(join(root, '.jest-cache'), { recursive: true });

const given = process.argv.slice(2);
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const args = [
  jest,
  '-c',
  join(root, 'test', 'jest.config.cjs'),
  ...(given.length > 0 ? given : wholeSuite()),
];
const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });

// Jest gets a terminal's Ctrl-C by itself and ends with it; this process waits to pass its exit code on.
process.on('SIGINT', () => undefined);
process.once('SIGTERM', () => child.kill('SIGTERM'));
child.once('exit', (code) => process.exit(code ?? 1));
