// Formatting, lint, types and import rules: runs all four, one line each, and shows what failed.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUpOrExit } from './setup.mjs';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const checks = [
  ['format', 'prettier/bin/prettier.cjs', '--check', '--cache', '--cache-location=.jest-cache/prettier', '.'],
  ['types', 'typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json'],
  ['lint', 'oxlint/bin/oxlint', '--type-aware', '--deny-warnings'],
  ['imports', 'dependency-cruiser/bin/dependency-cruise.mjs', '--config', '.dependency-cruiser.cjs', 'src'],
];

function run([name, program, ...args]) {
  return new Promise((done) => {
    const begin = Date.now();
    const child = spawn(process.execPath, [join(root, 'node_modules', program), ...args], { cwd: root });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('error', (error) => (output += error.message));
    child.once('close', (code) => {
      console.log(`${name}: ${code === 0 ? 'ok' : 'FAILED'} (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
      if (code !== 0) console.log(output.trim());
      done(code === 0);
    });
  });
}

async function runAll() {
  const waiting = [...checks];
  const results = [];
  const lane = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) results.push(await run(check));
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, lane));
  return results.every(Boolean);
}

// The import rules and the types need the packages; none of the four needs a Redis or a build.
await setUpOrExit({ build: false, redis: false });
process.exit((await runAll()) ? 0 : 1);
