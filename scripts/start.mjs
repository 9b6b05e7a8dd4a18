// Makes the clone ready, then runs the server in the foreground.
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUpOrExit } from './setup.mjs';

const root = resolve(fileURLToPath(import.meta.url), '../..');

await setUpOrExit({ build: true });

const server = spawn(process.execPath, [resolve(root, 'dist/main.js'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
let hasForwarded = false;

function forward(signal) {
  // A terminal's Ctrl-C reaches the server by itself (and npm repeats it to us): a second one would be one too many.
  const cameFromTerminal = signal === 'SIGINT' && process.stdin.isTTY;
  if (hasForwarded || cameFromTerminal) return;
  hasForwarded = true;
  server.kill(signal);
}

process.on('SIGINT', forward);
process.on('SIGTERM', forward);
server.once('error', (error) => {
  console.error(`The server could not be started: ${error.message}`);
  process.exit(1);
});
server.once('exit', (code, signal) => {
  process.off('SIGINT', forward);
  process.off('SIGTERM', forward);
  // Ended by a signal, the caller shall see that signal, too.
  if (signal) process.kill(process.pid, signal);
  else process.exit(code ?? 1);
});
