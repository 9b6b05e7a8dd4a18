// npm run fuzz [-- <seed> [<requests>]]: more requests than the suite sends, from another seed each time.
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [seed = String(Date.now() % 1_000_000_007), requests = '20000'] = process.argv.slice(2);
const test = resolve(fileURLToPath(import.meta.url), '../test.mjs');
console.log(`To send the same again: npm run fuzz -- ${seed} ${requests}`);
const child = spawn(process.execPath, [test, 'test/e2e/fuzz.spec.ts'], {
  stdio: 'inherit',
  env: { ...process.env, FUZZ_SEED: seed, FUZZ_REQUESTS: requests },
});
child.once('exit', (code) => process.exit(code ?? 1));
