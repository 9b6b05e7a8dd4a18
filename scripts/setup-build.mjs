import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './setup-error.mjs';

const configuration = ['nest-cli.json', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];

function sourceFiles(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? sourceFiles(path) : [path];
  });
}

/** Specs are not built, so a change in one builds nothing. */
function sourceHash(root) {
  const files = sourceFiles(join(root, 'src')).filter((path) => !path.endsWith('.spec.ts'));
  const hash = createHash('sha256');
  for (const path of [...files.sort(), ...configuration.map((name) => join(root, name))]) {
    hash.update(path.slice(root.length)).update('\0').update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex');
}

// Inside dist, which nest-cli's deleteOutDir clears before each build: a build that fails leaves no stamp.
function stampOf(root) {
  return join(root, 'dist', '.build-hash');
}

/** True when dist was built by the set-up from exactly the sources that are here now. */
export function isBuilt(root) {
  return existsSync(stampOf(root)) && readFileSync(stampOf(root), 'utf8') === sourceHash(root);
}

/** Builds dist unless it stands for these sources. */
export function buildIfChanged(root, say) {
  if (isBuilt(root)) return;
  say('Building dist with nest build.');
  const hash = sourceHash(root);
  const nest = join(root, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
  const result = spawnSync(process.execPath, [nest, 'build'], { cwd: root, encoding: 'utf8' });
  if (result.status !== 0) {
    throw new SetupError(
      `${result.stdout}${result.stderr}`.trim() +
        '\nThe build failed: mend the errors above, then run `npm run build`.',
    );
  }
  writeFileSync(stampOf(root), hash);
}
