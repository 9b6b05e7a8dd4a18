import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const sources = resolve(__dirname, '../..');

/** A program that another thread or process runs: compiled code only. Under Jest, which compiles in memory, that is the build's. */
export function compiledFile(directory: string, name: string): string {
  const beside = join(directory, name);
  return existsSync(beside) ? beside : join(sources, '../dist', relative(sources, beside));
}
