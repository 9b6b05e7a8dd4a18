import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { PrivateStoreError } from './private-store-error';
import { runProgram } from './run-program';

/** A Redis or Valkey server that runs on this machine. */
export interface RedisProgram {
  file: string;
  version: string;
  env: NodeJS.ProcessEnv;
}

const projectRoot = resolve(__dirname, '../../..');
const names = ['redis-server', 'valkey-server'];
// BullMQ 6 warns below this version.
const lowestVersion = [6, 2] as const;

/** The private copy unpacked by scripts/setup.mjs brings its libraries in usr/lib/<platform>. */
function privateCopy(directory: string): { file: string; env: NodeJS.ProcessEnv }[] {
  const program = join(directory, 'redis', 'program');
  const libraries = ['usr/lib', 'lib']
    .map((part) => join(program, part))
    .filter((part) => existsSync(part))
    .flatMap((part) => [part, ...readdirSync(part).map((name) => join(part, name))]);
  const env = { ...process.env, LD_LIBRARY_PATH: libraries.join(':') };
  return names.map((name) => ({ file: join(program, 'usr', 'bin', name), env }));
}

function candidates(home: string): { file: string; env: NodeJS.ProcessEnv }[] {
  const onPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '')
    .flatMap((directory) => names.map((name) => ({ file: join(directory, name), env: { ...process.env } })));
  return [...onPath, ...privateCopy(home), ...privateCopy(join(projectRoot, '.holdfast'))];
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > lowestVersion[0] || (major === lowestVersion[0] && minor >= lowestVersion[1]);
}

/**
 * Finds a server that runs and is at least version 6.2: on PATH, else the private copy in the home, else the one in
 * the project's own .holdfast. Throws one sentence with the command when there is none.
 */
export async function findRedisProgram(home: string): Promise<RedisProgram> {
  const tooOld: string[] = [];
  for (const { file, env } of candidates(home).filter((candidate) => existsSync(candidate.file))) {
    const { code, output } = await runProgram(file, ['--version'], { deadlineMs: 10_000, env });
    const version = /\bv=(\d+\.\d+\.\d+)/.exec(output)?.[1];
    if (code !== 0 || version === undefined) continue;
    if (isNewEnough(version)) return { file, version, env };
    tooOld.push(`${file} is version ${version}, `);
  }
  const command = process.platform === 'darwin' ? 'brew install redis' : 'npm run setup';
  throw new PrivateStoreError(
    `No Redis or Valkey server from version ${lowestVersion.join('.')} on was found (${tooOld.join('')}looked on PATH, ` +
      `in ${home} and in ${join(projectRoot, '.holdfast')}): run \`${command}\`, or set REDIS_URL.`,
  );
}
