// Makes the clone ready, starts the server, validates examples/members.csv and keeps serving until Ctrl-C.
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUpOrExit } from './setup.mjs';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const example = {
  file: join(root, 'examples', 'members.csv'),
  rules: join(root, 'examples', 'members.rules.json'),
};

// As the server does, so that this process knows the same key and the same home.
if (existsSync(join(root, '.env'))) process.loadEnvFile(join(root, '.env'));
// The suite has built dist already, and runs other servers from it meanwhile: --keep-dist.
await setUpOrExit({ build: !process.argv.includes('--keep-dist') });

// Only now are the packages there that these two need.
const { DemoServer } = await import('./demo-server.mjs');
const { validateExample } = await import('./demo-validation.mjs');

const home = resolve(root, process.env.HOLDFAST_HOME || '.holdfast');
mkdirSync(join(home, 'demo'), { recursive: true });
const server = new DemoServer(home);
const isOnce = process.argv.includes('--once');

try {
  const url = await server.ready();
  await validateExample({ url, example, reportPath: join(home, 'demo', 'members-report.csv') });
  console.log(server.addresses(url));
  if (isOnce) server.stop();
  else console.log('Serving until Ctrl-C; jobs in flight finish first.');
} catch (error) {
  // A stop in the middle makes requests fail, and is no failure.
  if (!server.isStopping) {
    console.error(`The demo failed: ${error.message}`);
    process.exitCode = 1;
  }
  server.stop();
}
const { code, lastLines } = await server.end();
if (code !== 0 && process.exitCode === undefined) {
  console.error(`The server ended with exit code ${code}: ${lastLines}`);
  process.exitCode = 1;
}
