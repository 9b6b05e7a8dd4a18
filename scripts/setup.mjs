// Makes a bare clone ready to run and does only what is missing. Needs nothing but Node itself.
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfChanged, isBuilt } from './setup-build.mjs';
import { SetupError } from './setup-error.mjs';
import { withSetupLock } from './setup-lock.mjs';
import { areModulesInstalled, installModules } from './setup-modules.mjs';
import { findRedis, provideRedis } from './setup-redis.mjs';

const root = resolve(fileURLToPath(import.meta.url), '../..');

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new SetupError(
    `Holdfast needs Node 20.19 or newer and this is ${process.versions.node}: install a newer Node from nodejs.org.`,
  );
}

function isRedisOurs() {
  return !Object.keys(process.env).some(
    (name) => /^REDIS_(URL|HOST|SENTINEL|CLUSTER)/.test(name) && process.env[name],
  );
}

/** Where programs that were fetched for Holdfast may lie; new ones go into the first place. */
export function programHomes() {
  const home = process.env.HOLDFAST_HOME;
  return [...(home ? [resolve(home)] : []), join(root, '.holdfast')];
}

/**
 * Installs the packages, provides a Redis and builds, each only when it is missing; one line for each step taken.
 * Throws a SetupError, one sentence with the way out, when it cannot go on.
 * @param {{ build: boolean, redis?: boolean, say?: (line: string) => void }} options
 */
export async function setUp({ build, redis = true, say = (line) => console.log(line) }) {
  checkNode();
  const homes = programHomes();
  const needsRedis = () => redis && isRedisOurs() && !findRedis(homes);
  if (areModulesInstalled(root) && !needsRedis() && (!build || isBuilt(root))) return;
  mkdirSync(join(root, '.holdfast'), { recursive: true });
  await withSetupLock(join(root, '.holdfast', 'setup.lock'), say, () => {
    if (!areModulesInstalled(root)) installModules(root, say);
    if (needsRedis()) provideRedis(homes[0], say);
    if (build) buildIfChanged(root, say);
  });
}

/** Ends this process with one sentence instead of a stack when a step of the set-up cannot go on. */
export async function orExit(step) {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    return process.exit(1);
  }
}

/** As {@link setUp}, for a program that is of no use without it. */
export async function setUpOrExit(options) {
  await orExit(() => setUp(options));
}

if (
  process.argv[1] &&
  existsSync(process.argv[1]) &&
  resolve(process.argv[1]) === fileURLToPath(import.meta.url)
) {
  await setUpOrExit({ build: true });
  console.log('Ready: npm run demo, npm start, npm test.');
}
