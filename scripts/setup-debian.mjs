// Private copies of Debian's packages, for what the machine lacks: without root, without a service.
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
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { SetupError } from './setup-error.mjs';

const oldDownloadMs = 10 * 60_000;
// Sixty megabytes of browser on a slow line.
const programDeadlineMs = 8 * 60_000;
// A browser needs about seventy; far more would be a whole desktop.
const maxPackages = 150;

/** The folders of libraries in an unpacked copy, as LD_LIBRARY_PATH wants them; libpulse keeps one in a folder below. */
export function librariesOf(program) {
  if (!existsSync(program)) return '';
  const libraries = readdirSync(program, { recursive: true }).filter((file) => /\.so(?:\.|$)/.test(file));
  return [...new Set(libraries.map((file) => join(program, dirname(file))))].join(delimiter);
}

/** The file of this name that PATH leads to, if any. */
export function fileOnPath(name) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((directory) => join(directory, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export function isOnPath(name) {
  return fileOnPath(name) !== undefined;
}

/** Runs a program to its end and gives back all it printed. */
export function run(file, args, cwd) {
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  const result = spawnSync(file, args, { cwd, env, encoding: 'utf8', timeout: programDeadlineMs });
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

/** Downloads the packages and what they lack, level by level. */
function downloadAll(work, packages, aptOptions) {
  const asked = new Set();
  let wanted = packages;
  while (wanted.length > 0 && asked.size < maxPackages) {
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

function download(work, { packages, title, fix }) {
  const first = downloadAll(work, packages, []);
  if (first.isDone) return;
  const own = ownAptOptions(work);
  const updated = run('apt-get', ['update', ...own], work);
  const second = updated.isDone ? downloadAll(work, packages, own) : updated;
  if (second.isDone) return;
  throw new SetupError(`${(second.output || first.output).trim()}\nNo ${title} could be downloaded: ${fix}.`);
}

/** What a killed set-up left; a younger one may belong to another clone with the same home. */
function removeOldDownloads(directory) {
  for (const name of readdirSync(directory).filter((entry) => entry.startsWith('download-'))) {
    const path = join(directory, name);
    if (Date.now() - statSync(path).mtimeMs > oldDownloadMs) rmSync(path, { recursive: true, force: true });
  }
}

/**
 * Downloads packages with the libraries they lack and unpacks them into `<directory>/program`, which changes whole.
 * `complete` finishes the draft, or throws when it is of no use; `fix` ends the sentence of a failure.
 * @param {{ directory: string, packages: string[], title: string, fix: string, complete: (draft: string) => void }} wish
 */
export function unpackFromDebian(wish) {
  const { directory, title, fix, complete } = wish;
  mkdirSync(directory, { recursive: true });
  removeOldDownloads(directory);
  const work = mkdtempSync(join(directory, 'download-'));
  try {
    download(work, wish);
    const draft = join(work, 'program');
    mkdirSync(draft);
    for (const deb of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
      const unpacked = run('dpkg', ['-x', join(work, deb), draft], work);
      if (!unpacked.isDone)
        throw new SetupError(`${unpacked.output}\nNo ${title} could be unpacked: ${fix}.`);
    }
    complete(draft);
    const program = join(directory, 'program');
    rmSync(program, { recursive: true, force: true });
    renameSync(draft, program);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

export function isDebian() {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(release) && isOnPath('apt-get') && isOnPath('dpkg');
}
