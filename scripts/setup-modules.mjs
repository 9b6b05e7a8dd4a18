import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './setup-error.mjs';

// A cold cache on a slow line.
const deadlineMs = 14 * 60_000;

function lockHash(root) {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

function stampOf(root) {
  return join(root, 'node_modules', '.holdfast-lock-hash');
}

function installedListOf(root) {
  return join(root, 'node_modules', '.package-lock.json');
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** npm writes its own list last, so a list with every package of the lock file means a whole installation. */
function matchesLockFile(root) {
  if (!existsSync(installedListOf(root))) return false;
  const installed = JSON.parse(readFileSync(installedListOf(root), 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || (entry.optional && !installed[path])) return true;
    return installed[path]?.version === entry.version && installed[path]?.integrity === entry.integrity;
  });
}

/** True when node_modules holds what package-lock.json says, whoever installed it. */
export function areModulesInstalled(root) {
  if (read(stampOf(root)) === lockHash(root)) return true;
  if (!matchesLockFile(root)) return false;
  try {
    writeFileSync(stampOf(root), lockHash(root));
  } catch {
    // A clone that may not be written is compared anew each time.
  }
  return true;
}

/** Installs exactly the lock file; npm's own output is shown only when it fails. */
export function installModules(root, say) {
  say('Installing the packages of package-lock.json with npm ci, which takes about a minute the first time.');
  // Cut off in the middle, neither our stamp nor npm's own list may vouch for what is left.
  for (const path of [stampOf(root), installedListOf(root)]) rmSync(path, { force: true });
  const args = ['ci', '--loglevel=error', '--no-fund', '--no-audit', '--include=dev', '--include=optional'];
  const viaNpm = process.env.npm_execpath;
  const [file, ...rest] = viaNpm?.endsWith('npm-cli.js')
    ? [process.execPath, viaNpm, ...args]
    : ['npm', ...args];
  const isWindows = process.platform === 'win32';
  const result = spawnSync(file, rest, {
    cwd: root,
    encoding: 'utf8',
    timeout: deadlineMs,
    shell: isWindows && file === 'npm',
  });
  if (result.status !== 0) {
    const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`.trim();
    throw new SetupError(
      `${output}\nThe packages could not be installed: mend what npm says above, then run \`npm ci\`.`,
    );
  }
  writeFileSync(stampOf(root), lockHash(root));
}
