import { createHash } from 'node:crypto';

const MAX_CHARACTERS = 500;
const FINGERPRINT_CHARACTERS = 16;

// What differs from one occurrence to the next, the widest first.
const variable = [
  /"[^"]*"|'[^']*'|`[^`]*`/g,
  /\b[a-z]+:\/\/\S+/gi,
  /(?:\/[\w.@-]+){2,}/g,
  /\b[0-9a-f]{8}-[0-9a-f-]{27}\b/gi,
  /\b(?=\w*\d)[\w-]{20,}\b/g,
  /\b0x[0-9a-f]+\b|\b[0-9a-f]{12,}\b/gi,
  /\d+(?:[.,:]\d+)*/g,
];

/** The same for errors that differ only in ids, numbers, quoted parts, paths and addresses; 16 hex digits. */
export function errorFingerprint(name: string, message: string): string {
  const shape = variable.reduce((text, part) => text.replace(part, '#'), message.slice(0, MAX_CHARACTERS));
  return createHash('sha256').update(`${name}\0${shape}`).digest('hex').slice(0, FINGERPRINT_CHARACTERS);
}
