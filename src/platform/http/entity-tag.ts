import { createHash } from 'node:crypto';

/** A weak entity tag of an answer: equal bodies, equal tags. */
export function entityTag(body: object): string {
  return `W/"${createHash('sha256').update(JSON.stringify(body)).digest('base64url').slice(0, 22)}"`;
}

/**
 * Whether a tag is among those of an If-Match or If-None-Match header.
 * Compared weakly in both: a tag of ours stands for the whole state of a job, although not for its bytes.
 */
export function tagMatches(header: string, tag: string): boolean {
  if (header.trim() === '*') return true;
  const opaque = (one: string) => one.trim().replace(/^W\//, '');
  return header.split(',').some((candidate) => opaque(candidate) === opaque(tag));
}
