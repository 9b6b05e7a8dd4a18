import { execFileSync, spawnSync } from 'node:child_process';
import { utimesSync, writeFileSync } from 'node:fs';
import { link, mkdir, readdir, stat, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const OLD = new Date(Date.now() - 7_200_000);

/** A file that was last written two hours ago. */
export async function oldFile(...path: string[]): Promise<void> {
  const file = join(...path);
  await writeFile(file, 'old');
  await utimes(file, OLD, OLD);
}

/** Thousands of them: one call after the other, without a promise for each, is ten times as quick. */
export function oldFiles(count: number, folder: string): void {
  for (let at = 0; at < count; at += 1) {
    const file = join(folder, `file${at}`);
    writeFileSync(file, 'old');
    utimesSync(file, OLD, OLD);
  }
}

/** Where somebody has laid out everything that leads out of a root; resolves with what an honest walk removes of it. */
export async function layTraps(root: string, outside: string): Promise<{ removable: number }> {
  for (const folder of ['deep', 'swap']) await mkdir(join(root, folder), { recursive: true });
  await mkdir(join(outside, 'folder'), { recursive: true });
  for (const name of ['file', 'twin', 'folder/inner']) await oldFile(outside, name);
  // Links to a file, to a folder, to the parent, into themselves and to nothing.
  await symlink(join(outside, 'file'), join(root, 'link-to-file'));
  await symlink(join(outside, 'folder'), join(root, 'link-to-folder'));
  await symlink('../outside', join(root, 'relative-link'));
  await symlink('.', join(root, 'deep', 'loop'));
  await symlink('nothing', join(root, 'broken'));
  await link(join(outside, 'twin'), join(root, 'hard-link'));
  execFileSync('mkfifo', [join(root, 'pipe')]);
  if (process.getuid?.() === 0) execFileSync('mknod', [join(root, 'device'), 'c', '1', '3']);
  leaveSocket(root);
  const names = ['plain.log', 'two\nlines.log', ' space', '-rf', '$(x)', '~', 'ü', 'a'.repeat(255), '..x'];
  for (const name of names) await oldFile(root, name);
  await writeFile(join(root, 'young'), 'young');
  // Deeper than the walk goes: what lies above is removed.
  const levels = Array.from({ length: 70 }, (_, level) => `d${level}`);
  await mkdir(join(root, 'deep', ...levels), { recursive: true });
  await oldFile(root, 'deep', ...levels.slice(0, 10), 'reached');
  await oldFile(root, 'deep', ...levels, 'too deep');
  return { removable: names.length + 1 };
}

/** What one would write without thinking: `stat` and a recursive `readdir` go through links. */
export async function cleanNaively(root: string, before: number): Promise<void> {
  for (const name of await readdir(root, { recursive: true })) {
    const path = join(root, name);
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() === true && found.mtimeMs < before) await unlink(path);
  }
}

/** A socket whose server was killed; bound under a short name, because its path may have 107 bytes. */
function leaveSocket(folder: string): void {
  const program =
    "require('net').createServer().listen('socket', () => process.kill(process.pid, 'SIGKILL'))";
  spawnSync(process.execPath, ['-e', program], { cwd: folder });
}
