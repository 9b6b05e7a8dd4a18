import { spawn } from 'node:child_process';

/**
 * Runs a Node program in the foreground of this process until it ends: its exit code becomes ours, and a signal to us
 * reaches it exactly once.
 * @param {string[]} args the file and its arguments
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export function runInForeground(args, options = {}) {
  const child = spawn(process.execPath, args, { stdio: 'inherit', ...options });
  let hasForwarded = false;
  const forward = (signal) => {
    // A terminal's Ctrl-C reaches the child by itself (and npm repeats it to us): a second one would be one too many.
    const cameFromTerminal = signal === 'SIGINT' && process.stdin.isTTY;
    if (hasForwarded || cameFromTerminal) return;
    hasForwarded = true;
    child.kill(signal);
  };
  process.on('SIGINT', forward);
  process.on('SIGTERM', forward);
  stopWithNpm(() => forward('SIGTERM'));
  child.once('error', (error) => {
    console.error(`${args[0]} could not be started: ${error.message}`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => {
    process.off('SIGINT', forward);
    process.off('SIGTERM', forward);
    // Whoever started us shall see the same end.
    if (signal) process.kill(process.pid, signal);
    else process.exit(code ?? 1);
  });
  return child;
}

/** npm passes its own SIGTERM on to the shell between us only; that dies of it and would leave the program behind. */
function stopWithNpm(stop) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const shell = process.ppid;
  setInterval(() => process.ppid !== shell && stop(), 250).unref();
}
