/** One character class with its repeat counts; `set` has a 1 for every byte below 128 that belongs to it. */
export interface Atom {
  set: Uint8Array;
  min: number;
  max: number;
}

const metaCharacters = new Set('\\^$.|?*+()[]{}');
const digits = setOf((code) => code >= 48 && code <= 57);
const word = setOf(
  (code) => digits[code] === 1 || code === 95 || (code >= 65 && code <= 90) || (code >= 97 && code <= 122),
);
const space = setOf((code) => code === 9 || code === 10 || code === 12 || code === 13 || code === 32);
const anyButNewline = setOf((code) => code !== 10);

/**
 * Takes a pattern apart when it is a plain sequence of characters and classes in which every repeat ends where the next
 * class begins (no two choices ever), and gives undefined for any other pattern.
 */
export function parseAtoms(source: string): Atom[] | undefined {
  const body = source.replace(/^\^/, '').replace(/(?<!\\)\$$/, '');
  const atoms: Atom[] = [];
  let at = 0;
  while (at < body.length) {
    const single = readSet(body, at);
    if (single === undefined) return undefined;
    const counts = readCounts(body, single.next);
    if (counts === undefined) return undefined;
    atoms.push({ set: single.set, min: counts.min, max: counts.max });
    at = counts.next;
  }
  return atoms.every((_, index) => endsWhereTheNextBegins(atoms, index)) ? atoms : undefined;
}

function endsWhereTheNextBegins(atoms: Atom[], index: number): boolean {
  const { set, min, max } = atoms[index]!;
  if (min === max) return true;
  for (let next = index + 1; next < atoms.length; next++) {
    const follower = atoms[next]!;
    for (let code = 0; code < 128; code++) if (set[code] === 1 && follower.set[code] === 1) return false;
    if (follower.min > 0) break;
  }
  return true;
}

function readSet(text: string, at: number): { set: Uint8Array; next: number } | undefined {
  const sign = text[at]!;
  if (sign === '\\') {
    const set = escaped(text[at + 1]);
    return set && { set, next: at + 2 };
  }
  if (sign === '[') return readClass(text, at + 1);
  if (sign === '.') return { set: anyButNewline, next: at + 1 };
  if (metaCharacters.has(sign) || sign > '~') return undefined;
  return { set: setOf((code) => code === sign.charCodeAt(0)), next: at + 1 };
}

function escaped(sign: string | undefined): Uint8Array | undefined {
  if (sign === 'd') return digits;
  if (sign === 'w') return word;
  if (sign === 's') return space;
  if (sign === undefined || /[A-Za-z0-9]/.test(sign) || sign > '~') return undefined;
  return setOf((code) => code === sign.charCodeAt(0));
}

function readClass(text: string, start: number): { set: Uint8Array; next: number } | undefined {
  const isNegated = text[start] === '^';
  const set = new Uint8Array(256);
  let at = isNegated ? start + 1 : start;
  const first = at;
  while (at < text.length && (text[at] !== ']' || at === first)) {
    const member = readMember(text, at);
    if (member === undefined) return undefined;
    at = member.next;
    const isRange = text[at] === '-' && text[at + 1] !== ']' && at + 1 < text.length;
    if (!isRange) {
      for (let code = 0; code < 128; code++) if (member.set[code] === 1) set[code] = 1;
      continue;
    }
    const last = readMember(text, at + 1);
    if (last?.code === undefined || member.code === undefined || last.code < member.code) return undefined;
    set.fill(1, member.code, last.code + 1);
    at = last.next;
  }
  if (at >= text.length) return undefined;
  return { set: isNegated ? setOf((code) => set[code] === 0) : set, next: at + 1 };
}

function readMember(text: string, at: number): { set: Uint8Array; code?: number; next: number } | undefined {
  const sign = text[at]!;
  if (sign === '[' || sign > '~') return undefined;
  if (sign === '\\') {
    const set = escaped(text[at + 1]);
    const isLetter = /[dws]/.test(text[at + 1] ?? '');
    return set && { set, next: at + 2, ...(isLetter ? {} : { code: text.charCodeAt(at + 1) }) };
  }
  const code = sign.charCodeAt(0);
  return { set: setOf((candidate) => candidate === code), code, next: at + 1 };
}

function readCounts(text: string, at: number): { min: number; max: number; next: number } | undefined {
  const match = /^(?:([?*+])|\{(\d{1,4})(,(\d{0,4}))?\})/.exec(text.slice(at));
  if (match === null) return text[at] === '{' ? undefined : { min: 1, max: 1, next: at };
  const next = at + match[0].length;
  // A second sign would make it lazy, possessive or an error: not for this reader.
  if (/[?*+{]/.test(text[next] ?? '')) return undefined;
  if (match[1] !== undefined) {
    return { min: match[1] === '+' ? 1 : 0, max: match[1] === '?' ? 1 : Number.MAX_SAFE_INTEGER, next };
  }
  const min = Number(match[2]);
  const max = match[3] === undefined ? min : match[4] === '' ? Number.MAX_SAFE_INTEGER : Number(match[4]);
  return { min, max, next };
}

function setOf(belongs: (code: number) => boolean): Uint8Array {
  const set = new Uint8Array(256);
  for (let code = 0; code < 128; code++) if (belongs(code)) set[code] = 1;
  return set;
}
