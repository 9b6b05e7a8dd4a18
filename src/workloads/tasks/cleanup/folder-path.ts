const MAX_CHARACTERS = 1_000;
// What file systems take for one name.
const MAX_NAME_BYTES = 255;

/** The folders that a path below a root names, one after the other. */
export function foldersOf(path: string): string[] {
  return path.split('/');
}

/** What is wrong with a path below a root, as the end of a sentence that begins with its field; undefined for none. */
export function faultOfFolderPath(path: string): string | undefined {
  if (path.length === 0 || path.length > MAX_CHARACTERS) {
    return `must have 1 to ${MAX_CHARACTERS} characters: leave it out for the whole root`;
  }
  if (path.includes('\0') || !path.isWellFormed()) return 'must be whole Unicode characters without NUL';
  if (path.startsWith('/')) return 'must be relative to the root: leave the first "/" out';
  const folders = foldersOf(path);
  if (folders.some((folder) => folder === '' || folder === '.' || folder === '..')) {
    return 'must name folders below the root with one "/" between them, without "." and ".."';
  }
  if (folders.some((folder) => Buffer.byteLength(folder) > MAX_NAME_BYTES)) {
    return `must not have a part of more than ${MAX_NAME_BYTES} bytes`;
  }
  return undefined;
}
