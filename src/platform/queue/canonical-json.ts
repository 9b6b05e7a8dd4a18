import { hash } from 'node:crypto';

const FINGERPRINT_CHARACTERS = 22;

/** One spelling for equal JSON values: members sorted by name, no spaces; the value must be JSON already. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** 22 URL-safe characters that stand for these texts in this order. */
export function fingerprintOf(...parts: readonly string[]): string {
  // Each part begins with its length, so that no two lists of parts run together into the same text.
  const text = parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join('');
  return hash('sha256', text, 'base64url').slice(0, FINGERPRINT_CHARACTERS);
}
