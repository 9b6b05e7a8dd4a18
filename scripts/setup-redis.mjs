import { spawnSync } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { isDebian, isOnPath, librariesOf, run, unpackFromDebian } from './setup-debian.mjs';
import { SetupError } from './setup-error.mjs';

const names = ['redis-server', 'valkey-server'];

/** Runs `--version`: a file that cannot load its libraries, or is older than 6.2 (BullMQ warns), is no Redis. */
function versionOf(file, env = process.env) {
  if (!existsSync(file)) return undefined;
  const { stdout, status } = spawnSync(file, ['--version'], { encoding: 'utf8', env, timeout: 10_000 });
  const [, version, major, minor] = /\bv=((\d+)\.(\d+)\.\d+)/.exec(stdout ?? '') ?? [];
  return status === 0 && (Number(major) > 6 || (Number(major) === 6 && Number(minor) >= 2))
    ? version
    : undefined;
}

function versionIn(program) {
  const env = { ...process.env, LD_LIBRARY_PATH: librariesOf(program) };
  return versionOf(join(program, 'usr', 'bin', 'redis-server'), env);
}

/** The version of a server on PATH or in one of the homes; the same places src/platform/private-stores looks at. */
export function findRedis(homes) {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  for (const file of onPath.flatMap((directory) => names.map((name) => join(directory, name)))) {
    const version = versionOf(file);
    if (version) return version;
  }
  return homes.map((home) => versionIn(join(home, 'redis', 'program'))).find(Boolean);
}

/** A copy beside the data: Debian's server is redis-check-rdb under another name, and lies in redis-tools. */
function unpackRedis(home, say) {
  const directory = join(home, 'redis');
  say(`Fetching a private Redis with apt-get download into ${directory} (no root, no service).`);
  unpackFromDebian({
    directory,
    packages: ['redis-tools'],
    title: 'Redis',
    fix: 'install one with `apt-get install redis-server`, or set REDIS_URL',
    complete: (draft) => {
      const server = join(draft, 'usr', 'bin', 'redis-server');
      if (!existsSync(server)) symlinkSync('redis-check-rdb', server);
      if (!versionIn(draft))
        throw new SetupError(
          'The downloaded Redis does not run here or is older than 6.2: install a newer Redis or Valkey, or set REDIS_URL.',
        );
    },
  });
}

const commands = {
  darwin: [['brew', 'brew install redis']],
  linux: [
    ['apt-get', 'apt-get install redis-server'],
    ['dnf', 'dnf install valkey'],
    ['apk', 'apk add redis'],
    ['pacman', 'pacman -S valkey'],
    ['zypper', 'zypper install redis'],
  ],
};

/** Obtains a server for the home, or ends in one sentence with the command for this system. */
export function provideRedis(home, say) {
  if (isDebian()) return unpackRedis(home, say);
  if (process.platform === 'darwin' && isOnPath('brew')) {
    say('Installing Redis with brew install redis.');
    const { isDone, output } = run('brew', ['install', 'redis']);
    if (isDone) return;
    throw new SetupError(
      `${output.trim()}\nbrew could not install Redis: mend what it says above, or set REDIS_URL.`,
    );
  }
  const [, command] = (commands[process.platform] ?? []).find(([tool]) => isOnPath(tool)) ?? [];
  throw new SetupError(
    command
      ? `There is no redis-server or valkey-server on PATH: run \`${command}\` (as root where needed), or set REDIS_URL.`
      : 'There is no redis-server or valkey-server on PATH: install Redis 6.2 or newer, or set REDIS_URL to a server that runs.',
  );
}
