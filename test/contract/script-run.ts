import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';

export interface ScriptEnd {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly errors: string;
}

const scripts = join(resolve(__dirname, '../..'), 'scripts');
const endDeadlineMs = 60_000;

/** Runs one of the project's scripts to its end; one that hangs is killed, and its code is null. */
export async function runScript(
  name: string,
  args: readonly string[],
  settings: Record<string, string>,
): Promise<ScriptEnd> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [join(scripts, name), ...args], {
    env: { PATH, HOME, NODE_ENV: 'test', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: endDeadlineMs,
    killSignal: 'SIGKILL',
  });
  const printed = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (printed.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed.err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, lines: printed.out.split('\n').slice(0, -1), errors: printed.err.trim() };
}
