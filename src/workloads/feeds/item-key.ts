import { createHash } from 'node:crypto';

const MAX_KEY_CHARACTERS = 255;

/** What identifies an item in the tables: the same source and guid of one tenant are the same item. */
export function itemKeyOf(tenant: string, source: string, guid: string): string {
  return digestOf(`${tenant}\0${source}\0${guid}`);
}

/**
 * The key of an item's job, as document 003 writes it: `<source>#<guid>`. A later job for the same item, with other
 * content or after a failure, has its import behind that; what is too long for a key is hashed.
 */
export function itemJobKeyOf(source: string, guid: string, laterImport?: string): string {
  const key = `${source}#${guid}${laterImport === undefined ? '' : `#${laterImport}`}`;
  return key.length <= MAX_KEY_CHARACTERS ? key : `${key.slice(0, 200)}#${digestOf(key)}`;
}

/** The key whose limits hold for the items of a source. */
export function limitKeyOfSource(tenant: string, source: unknown): string | undefined {
  return typeof source === 'string' ? `${tenant}:${source}` : undefined;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
