// Makes the clone ready, then runs Jest: the whole suite with coverage, or just what the arguments name.
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forgetSettings, prepareSuite, runJest } from './run-jest.mjs';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const report = 'report.json';
const leastCoveredLinesPercent = 85;

function hasSources(directory) {
  return (
    existsSync(directory) &&
    readdirSync(directory, { recursive: true }).some((file) => /(?<!\.spec)\.ts$/.test(file))
  );
}

function coverage() {
  const rooms = ['src/platform', 'src/workloads'].filter((room) => hasSources(join(root, room)));
  const threshold = Object.fromEntries(
    rooms.map((room) => [`./${room}/`, { lines: leastCoveredLinesPercent }]),
  );
  return ['--coverage', `--coverageThreshold=${JSON.stringify(threshold)}`];
}

forgetSettings();
await prepareSuite({ report });
runJest({ config: 'jest.config.cjs', report, given: process.argv.slice(2), wholeSuite: coverage() });
