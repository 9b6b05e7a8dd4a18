import { join, resolve, sep } from 'node:path';

interface CleanupSettings {
  readonly home: string;
  readonly cleanupTempRoot: string;
  readonly cleanupLogRoot: string;
}

// What the server keeps in its home for itself.
const ownFolders = ['storage', 'redis', 'postgres', 'private-stores.users'];

/** What is wrong with the folders that old files are removed from: they must hold nothing of the server's own. */
export function badCleanupRoots({ home, cleanupTempRoot, cleanupLogRoot }: CleanupSettings): string[] {
  const kept = [home, process.cwd()];
  const own = ownFolders.map((name) => join(home, name));
  const isBad = (root: string) =>
    kept.some((folder) => holds(root, folder)) || own.some((folder) => holds(folder, root));
  return Object.entries({ CLEANUP_TEMP_ROOT: cleanupTempRoot, CLEANUP_LOG_ROOT: cleanupLogRoot })
    .filter(([, root]) => isBad(root))
    .map(
      ([setting]) =>
        `${setting} must not hold HOLDFAST_HOME or the working directory, nor lie in a store of the server: ` +
        'old files below it are removed',
    );
}

/** Whether a folder is the other one, or one above it. */
function holds(folder: string, other: string): boolean {
  const above = resolve(folder);
  return other === above || other.startsWith(above.endsWith(sep) ? above : above + sep);
}
