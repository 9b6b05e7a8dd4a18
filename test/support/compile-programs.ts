import { transformFileSync } from '@swc/core';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../..');

export interface CompiledPrograms {
  /** The path of the program that stands in `<name>.program.ts`. */
  program(name: string): string;
  remove(): void;
}

/**
 * Compiles a folder of the test tree so that Node can run it beside dist: what it imports from `src` is dist's,
 * the very modules that `dist/main.js` loads.
 */
export function compilePrograms(folder: string): CompiledPrograms {
  const cache = join(root, '.jest-cache');
  mkdirSync(cache, { recursive: true });
  const copy = mkdtempSync(join(cache, 'programs-'));
  const target = join(copy, folder);
  mkdirSync(target, { recursive: true });
  symlinkSync(join(root, 'dist'), join(copy, 'src'));
  for (const file of readdirSync(join(root, folder)).filter((name) => name.endsWith('.ts'))) {
    const { code } = transformFileSync(join(root, folder, file), {
      swcrc: false,
      module: { type: 'commonjs' },
      jsc: {
        target: 'es2023',
        keepClassNames: true,
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
      },
    });
    writeFileSync(join(target, file.replace(/\.ts$/, '.js')), code);
  }
  return {
    program: (name) => join(target, `${name}.program.js`),
    remove: () => rmSync(copy, { recursive: true, force: true }),
  };
}
