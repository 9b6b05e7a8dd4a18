import { transformFileSync } from '@swc/core';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const root = resolve(__dirname, '../..');
const source = join(root, 'src/platform/private-stores');

// Opens the stores, says so in one line, and closes them when its input ends.
const program = `
  const { openPrivateStores } = require('./private-stores.js');
  openPrivateStores({ ...JSON.parse(process.argv[1]), log: () => undefined }).then(
    (stores) => {
      process.on('SIGINT', () => undefined);
      console.log(JSON.stringify(stores));
      process.stdin.resume().on('end', () => stores.close());
    },
    (error) => { console.log(JSON.stringify({ error: error.message })); process.exit(1); },
  );
`;

/** Another process with the sources of now, because adoption and the last one out need a real one. */
export interface StoresUser {
  readonly pid: number;
  readonly redisUrl?: string;
  readonly databaseUrl?: string;
  readonly error?: string;
  /** Lets it close its stores and end by itself. */
  leave(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** What Ctrl-C in its terminal does. */
  interruptGroup(): void;
}

/** Compiles the private stores once for a spec file; `remove` deletes the result. */
export function compilePrivateStores(): { directory: string; remove: () => void } {
  const parent = join(root, '.jest-cache');
  mkdirSync(parent, { recursive: true });
  const outer = mkdtempSync(join(parent, 'private-stores-'));
  // Three steps below the project's root, as in src and dist: from there the private copy of Redis is looked up.
  const directory = join(outer, 'compiled');
  mkdirSync(directory);
  for (const file of readdirSync(source)) {
    const { code } = transformFileSync(join(source, file), {
      swcrc: false,
      module: { type: 'commonjs' },
      jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
    });
    writeFileSync(join(directory, file.replace(/\.ts$/, '.js')), code);
  }
  return { directory, remove: () => rmSync(outer, { recursive: true, force: true }) };
}

/** Starts a process that uses the stores of a home; resolves when it has them, or has failed to get them. */
export async function startStoresUser(
  compiled: string,
  options: { home: string; redis: boolean; database: boolean },
): Promise<StoresUser> {
  const child = spawn(process.execPath, ['-e', program, JSON.stringify(options)], {
    cwd: compiled,
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const line = await new Promise<string>((done) => {
    createInterface(child.stdout).once('line', done);
    child.once('exit', () => done('{"error":"the process ended without a word"}'));
  });
  const pid = child.pid ?? 0;
  return {
    ...(JSON.parse(line) as Pick<StoresUser, 'redisUrl' | 'databaseUrl' | 'error'>),
    pid,
    leave: async () => {
      child.stdin.end();
      await ended;
    },
    kill: async (signal) => {
      child.kill(signal);
      await ended;
    },
    interruptGroup: () => process.kill(-pid, 'SIGINT'),
  };
}
