// Makes the clone ready, then runs the server in the foreground.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInForeground } from './foreground.mjs';
import { setUpOrExit } from './setup.mjs';

await setUpOrExit({ build: true });
runInForeground([resolve(fileURLToPath(import.meta.url), '../../dist/main.js'), ...process.argv.slice(2)]);
