import { createHash, randomBytes } from 'node:crypto';

const PREFIX = 'file_';

/** An id nobody has: the same one for the same seed. */
export function newFileId(seed?: string): string {
  const bytes = seed === undefined ? randomBytes(17) : createHash('sha256').update(seed).digest();
  return `${PREFIX}${bytes.toString('base64url').slice(0, 22)}`;
}

/** Whether a text can be the id of a file: everything else is no file, whatever it looks like. */
export function isFileId(text: string): boolean {
  return /^file_[A-Za-z0-9_-]{22}$/.test(text);
}
