import { createHash } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makePassable, outsideDirectory } from './postgres-program';
import { PrivateStoreError } from './private-store-error';
import { runProgram } from './run-program';
import type { Account } from './run-program';

/** The directory that holds one cluster and its log, and the user it belongs to when that is not our own. */
export interface PostgresPlace {
  directory: string;
  account?: Account;
}

/** Where the cluster of a home lies when PostgreSQL's user cannot enter the home itself. */
export function outsidePlace(home: string): string {
  return join(outsideDirectory, createHash('sha256').update(home).digest('hex').slice(0, 16));
}

/** PostgreSQL refuses to run as root and insists on a user that the system knows. */
function serviceAccount(): Account {
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', '_postgres', 'nobody']) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new PrivateStoreError(
    'PostgreSQL does not run as root and there is no user postgres or nobody: start as an ordinary user, or set DATABASE_URL.',
  );
}

async function canEnter(directory: string, account: Account): Promise<boolean> {
  const options = { deadlineMs: 10_000, account, cwd: '/' };
  return (await runProgram('/bin/sh', ['-c', 'cd "$1" && test -w .', 'sh', directory], options)).code === 0;
}

function prepare(directory: string, account: Account): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chownSync(directory, account.uid, account.gid);
}

async function placeForRoot(home: string): Promise<PostgresPlace> {
  const inHome = join(home, 'postgres', 'cluster');
  const outside = outsidePlace(home);
  const existing = [inHome, outside].find((directory) => existsSync(join(directory, 'data')));
  if (existing !== undefined) {
    const { uid, gid } = statSync(existing);
    const account = uid === 0 ? serviceAccount() : { uid, gid };
    if (await canEnter(existing, account)) return { directory: existing, account };
    throw new PrivateStoreError(
      `The user with id ${account.uid}, to whom the private database in ${existing} belongs, can no longer enter it: ` +
        'let others pass through its parent directories again, or set another HOLDFAST_HOME.',
    );
  }
  const account = serviceAccount();
  prepare(inHome, account);
  if (await canEnter(inHome, account)) return { directory: inHome, account };
  makePassable(outsideDirectory);
  prepare(outside, account);
  if (await canEnter(outside, account)) return { directory: outside, account };
  throw new PrivateStoreError(
    `The user with id ${account.uid}, under whom PostgreSQL must run, can enter neither ${home} nor ${outsideDirectory}: set another HOLDFAST_HOME.`,
  );
}

/** Chooses and prepares the cluster's directory; an ordinary user's lies in the home. */
export async function findPostgresPlace(home: string): Promise<PostgresPlace> {
  if (process.getuid?.() === 0) {
    // Others may pass through, but not look in: the passwords beside it stay readable by root alone.
    mkdirSync(join(home, 'postgres'), { recursive: true, mode: 0o711 });
    return await placeForRoot(home);
  }
  const directory = join(home, 'postgres', 'cluster');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return { directory };
}
