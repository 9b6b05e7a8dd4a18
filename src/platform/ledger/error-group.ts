import { createHash } from 'node:crypto';

const MAX_MESSAGE_CHARACTERS = 500;
const MAX_NAME_CHARACTERS = 100;

const secrets: readonly (readonly [RegExp, string])[] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1***@'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 ***'],
  [
    /\b(password|passwd|pwd|secret|token|api[_-]?key|authorization)(["']?\s*[:=]\s*["']?)[^\s"',;&]+/gi,
    '$1$2***',
  ],
];

// What differs from one failure to the next although the fault is the same, in this order.
const variable: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<id>'],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'`<>]+/gi, '<url>'],
  [/[^\s"'`<>@]+@[^\s"'`<>@]+\.[a-z]+/gi, '<address>'],
  [/"[^"]*"|'[^']*'|`[^`]*`|„[^“]*“|“[^”]*”/g, '<text>'],
  [/(?<![\w<])(?:[A-Za-z]:)?(?:[\\/][\w.@~-]+){2,}[\\/]?/g, '<path>'],
  [/\b[A-Za-z][\w-]{0,62}_[\w-]{22}\b/g, '<id>'],
  [/\b(?=\w*\d)(?=\w*[a-z])\w{16,}\b/gi, '<id>'],
  [/\d+(?:[.,:]\d+)*/g, '<n>'],
  [/\s+/g, ' '],
];

export interface DescribedError {
  readonly group: string;
  readonly name: string;
  readonly message: string;
}

/** An error as the history keeps it: bounded, without credentials, and with the group it belongs to. */
export function describedError(name: string, message: string): DescribedError {
  // Cut first: the patterns above are not to run over megabytes.
  const text = replaceAll(message.slice(0, 2 * MAX_MESSAGE_CHARACTERS), secrets);
  const shortName = name.slice(0, MAX_NAME_CHARACTERS);
  return {
    group: errorGroup(shortName, text),
    name: shortName,
    message: text.slice(0, MAX_MESSAGE_CHARACTERS),
  };
}

/** What all failures by the same fault share: 16 hexadecimal digits over name and message without their variable parts. */
export function errorGroup(name: string, message: string): string {
  const fixed = replaceAll(message.slice(0, MAX_MESSAGE_CHARACTERS), variable).trim().toLowerCase();
  return createHash('sha256').update(`${name}\n${fixed}`).digest('hex').slice(0, 16);
}

function replaceAll(text: string, patterns: readonly (readonly [RegExp, string])[]): string {
  return patterns.reduce((current, [pattern, by]) => current.replace(pattern, by), text);
}
