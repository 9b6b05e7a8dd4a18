import { hash } from 'node:crypto';

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
  return bounded(`${source}#${guid}${laterImport === undefined ? '' : `#${laterImport}`}`);
}

/** The key of the job that fetches a source for an import. */
export function fetchKeyOf(importId: string, source: string): string {
  return bounded(`${importId} ${source}`);
}

/** The key whose limits hold for the items of a source. */
export function limitKeyOfSource(tenant: string, source: unknown): string | undefined {
  return typeof source === 'string' ? `${tenant}:${source}` : undefined;
}

function bounded(key: string): string {
  return key.length <= MAX_KEY_CHARACTERS ? key : `${key.slice(0, 200).toWellFormed()}#${digestOf(key)}`;
}

function digestOf(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 22);
}
