// Makes the clone ready, then makes an API key: in the database of DATABASE_URL, or in the private one of HOLDFAST_HOME.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInForeground } from './foreground.mjs';
import { setUpOrExit } from './setup.mjs';

// The key alone goes to the standard output.
await setUpOrExit({ build: true, redis: false, say: (line) => console.error(line) });
runInForeground([
  resolve(fileURLToPath(import.meta.url), '../../dist/create-key.js'),
  ...process.argv.slice(2),
]);
