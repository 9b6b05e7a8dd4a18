import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { SetupError } from './setup-error.mjs';

const oldDownloadMs = 10 * 60_000;
const names = ['redis-server', 'valkey-server'];

function librariesOf(program) {
  return ['usr/lib', 'lib']
    .map((part) => join(program, part))
    .filter((part) => existsSync(part))
    .flatMap((part) => [part, ...readdirSync(part).map((name) => join(part, name))])
    .join(':');
}

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

function isOnPath(name) {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function run(file, args, cwd) {
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  const result = spawnSync(file, args, { cwd, env, encoding: 'utf8', timeout: 120_000 });
  return {
    isDone: result.status === 0,
    output: `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`,
  };
}

/** Lists and cache of our own, so that an ordinary user can ask a machine that has no package lists. */
function ownAptOptions(work) {
  for (const part of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(work, part), { recursive: true });
  return [
    ['Dir::State::Lists', join(work, 'lists')],
    ['Dir::Cache', join(work, 'cache')],
    ['APT::Sandbox::User', ''],
    ['Debug::NoLocking', '1'],
  ].flatMap(([key, value]) => ['-o', `${key}=${value}`]);
}

function isInstalled(name) {
  return run('dpkg-query', ['-W', '-f', '${db:Status-Abbrev}', name]).output.startsWith('ii');
}

/** The libraries a package needs and this machine lacks, by the package's own word. */
function missingLibraries(deb) {
  const depends = run('dpkg-deb', ['-f', deb, 'Pre-Depends', 'Depends']).output;
  const libraries = [...depends.matchAll(/(?:^|[:,])\s*((?:lib|lua)[a-z0-9.+-]+)/gm)].map(([, name]) => name);
  return libraries.filter((name) => !isInstalled(name));
}

/** Downloads redis-tools and what it lacks, level by level; the server itself is in redis-tools. */
function downloadAll(work, aptOptions) {
  const asked = new Set();
  let wanted = ['redis-tools'];
  while (wanted.length > 0 && asked.size < 30) {
    const before = new Set(readdirSync(work));
    const result = run('apt-get', ['download', ...aptOptions, ...wanted], work);
    if (!result.isDone) return { isDone: false, output: result.output };
    wanted.forEach((name) => asked.add(name));
    const debs = readdirSync(work).filter((name) => name.endsWith('.deb') && !before.has(name));
    wanted = [...new Set(debs.flatMap((deb) => missingLibraries(join(work, deb))))].filter(
      (name) => !asked.has(name),
    );
  }
  return { isDone: true, output: '' };
}

function download(work) {
  const first = downloadAll(work, []);
  if (first.isDone) return;
  const own = ownAptOptions(work);
  const updated = run('apt-get', ['update', ...own], work);
  const second = updated.isDone ? downloadAll(work, own) : updated;
  if (second.isDone) return;
  throw new SetupError(
    `${(second.output || first.output).trim()}\nNo Redis could be downloaded: install one with \`apt-get install redis-server\`, or set REDIS_URL.`,
  );
}

/** What a killed set-up left; a younger one may belong to another clone with the same home. */
function removeOldDownloads(directory) {
  for (const name of readdirSync(directory).filter((entry) => entry.startsWith('download-'))) {
    const path = join(directory, name);
    if (Date.now() - statSync(path).mtimeMs > oldDownloadMs) rmSync(path, { recursive: true, force: true });
  }
}

/** A copy beside the data, without root and without a service: Debian's server is redis-check-rdb under another name. */
function unpackFromDebian(home, say) {
  const directory = join(home, 'redis');
  mkdirSync(directory, { recursive: true });
  removeOldDownloads(directory);
  const work = mkdtempSync(join(directory, 'download-'));
  try {
    say(`Fetching a private Redis with apt-get download into ${directory} (no root, no service).`);
    download(work);
    const draft = join(work, 'program');
    mkdirSync(draft);
    for (const deb of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
      const unpacked = run('dpkg', ['-x', join(work, deb), draft], work);
      if (!unpacked.isDone)
        throw new SetupError(
          `${unpacked.output}\nNo Redis could be unpacked: install one with \`apt-get install redis-server\`, or set REDIS_URL.`,
        );
    }
    const server = join(draft, 'usr', 'bin', 'redis-server');
    if (!existsSync(server)) symlinkSync('redis-check-rdb', server);
    if (!versionIn(draft))
      throw new SetupError(
        'The downloaded Redis does not run here or is older than 6.2: install a newer Redis or Valkey, or set REDIS_URL.',
      );
    const program = join(directory, 'program');
    rmSync(program, { recursive: true, force: true });
    renameSync(draft, program);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function isDebian() {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(release) && isOnPath('apt-get') && isOnPath('dpkg');
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
  if (isDebian()) return unpackFromDebian(home, say);
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
