// Makes the clone ready, then checks the audit: in the database of DATABASE_URL, or in the private one of HOLDFAST_HOME.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInForeground } from './foreground.mjs';
import { setUpOrExit } from './setup.mjs';

// What was found alone goes to the standard output.
await setUpOrExit({ build: true, say: (line) => console.error(line) });
runInForeground([
  resolve(fileURLToPath(import.meta.url), '../../dist/verify-audit.js'),
  ...process.argv.slice(2),
]);
