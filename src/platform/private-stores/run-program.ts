import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { PrivateStoreError } from './private-store-error';

/** The system user under which a program runs. */
export interface Account {
  uid: number;
  gid: number;
}

export interface ProgramOptions {
  deadlineMs: number;
  account?: Account;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  input?: string;
}

export interface ProgramResult {
  /** Zero only when the program ran and succeeded in time. */
  code: number;
  /** At most the last 8 kB of what it printed. */
  output: string;
}

const keptOutputChars = 8192;

/** Runs a program to its end in a process group of its own (a terminal's Ctrl-C passes it by); never throws. */
export function runProgram(file: string, args: string[], options: ProgramOptions): Promise<ProgramResult> {
  return new Promise((resolve) => {
    let output = '';
    const keep = (chunk: Buffer | string) => (output = (output + chunk.toString()).slice(-keptOutputChars));
    const child = spawn(file, args, {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: options.cwd,
      env: options.env ?? process.env,
      ...options.account,
    });
    const timer = setTimeout(() => {
      keep(`\nit did not end within ${options.deadlineMs} ms`);
      child.kill('SIGKILL');
      // A grandchild may hold the pipes open: nobody waits for it.
      child.stdout.destroy();
      child.stderr.destroy();
      finish(1);
    }, options.deadlineMs);
    const finish = (code: number) => {
      clearTimeout(timer);
      resolve({ code, output: output.trim() });
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    // A program that ends before it has read its input is judged by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.once('error', (error) => {
      keep(error.message);
      finish(127);
    });
    child.once('close', (code) => finish(code ?? 1));
  });
}

/** The last lines of a log, read from its end only; empty when there is no log. */
export function lastLines(path: string, count = 8): string {
  try {
    const file = openSync(path, 'r');
    try {
      const buffer = Buffer.alloc(keptOutputChars);
      const start = Math.max(0, fstatSync(file).size - buffer.length);
      const length = readSync(file, buffer, 0, buffer.length, start);
      return buffer.toString('utf8', 0, length).trimEnd().split('\n').slice(-count).join('\n');
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}

/** Asks every 20 ms until the check holds; past the deadline it throws the sentence that `describe` gives. */
export async function waitUntil(
  check: () => boolean | Promise<boolean>,
  deadlineMs: number,
  describe: () => string,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new PrivateStoreError(describe());
    await pause(20);
  }
}
