import { problem } from '../problems/problem-catalogue';

export const MAX_JSON_DEPTH = 20;
export const MAX_JSON_MEMBERS = 250;
export const MAX_JSON_VALUES = 20_000;

const MAX_ERRORS = 20;
const refusedKeys = new Set(['__proto__', 'constructor', 'prototype']);
// Only a text with one of these can hold such a key, written out or escaped, or a number that JSON cannot carry.
const suspicious = /__proto__|constructor|prototype|\\u|\d[eE]\+?\d{3}|\d{309}/;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a JSON value. Throws the problems `json_malformed`, `json_too_deep` (over 20 levels), `json_too_wide` (over
 * 250 members in one object, or 20,000 values) and `json_key_refused`, also for a key that is given twice: another
 * reader of the same text would take the other value.
 */
export function parseJson(bytes: Uint8Array | string): unknown {
  const text = typeof bytes === 'string' ? bytes : decode(bytes);
  if (isDeeperThan(text, MAX_JSON_DEPTH)) throw problem('json_too_deep');
  if (isWiderThan(text, MAX_JSON_MEMBERS, MAX_JSON_VALUES)) throw problem('json_too_wide');
  const value = parse(text);
  if (colonsIn(text) !== membersOf(value)) refuseRepeated(text);
  if (suspicious.test(text)) refuseUnsafe(value);
  return value;
}

/** Whether the brackets of a JSON text open more levels than allowed; reads it once, without recursion. */
export function isDeeperThan(text: string, maxDepth: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (isInString) {
      if (code === 0x5c) index += 1;
      else if (code === 0x22) isInString = false;
    } else if (code === 0x22) isInString = true;
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return false;
}

/**
 * Whether an object of a JSON text has more members, or the whole more values, than allowed; reads it once.
 * class-transformer compares every key of an object with every other: 60,000 of them, in 1 MB, held everybody up for 8 s.
 */
export function isWiderThan(text: string, maxMembers: number, maxValues: number): boolean {
  // How many more members each open object may have; an array has only the limit of the whole.
  const room: number[] = [];
  let values = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (isInString) {
      if (code === 0x5c) index += 1;
      else if (code === 0x22) isInString = false;
    } else if (code === 0x22) isInString = true;
    else if (code === 0x7b || code === 0x5b) {
      values += 1;
      room.push(code === 0x7b ? maxMembers : Infinity);
    } else if (code === 0x7d || code === 0x5d) room.pop();
    else if (code === 0x2c) {
      values += 1;
      const left = (room.at(-1) ?? Infinity) - 1;
      if (left <= 0) return true;
      room[room.length - 1] = left;
    }
    if (values > maxValues) return true;
  }
  return false;
}

/** The colons of a JSON text outside of its strings: one for each member, repeated ones included. */
function colonsIn(text: string): number {
  let colons = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 0x22) index = endOfString(text, index);
    else if (code === 0x3a) colons += 1;
  }
  return colons;
}

function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length && text.charCodeAt(index) !== 0x22) {
    index += text.charCodeAt(index) === 0x5c ? 2 : 1;
  }
  return index;
}

/** How many members the objects of a value have together; its depth is known to be bounded. */
function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const parts: unknown[] = Object.values(value);
  return parts.reduce<number>((sum, part) => sum + membersOf(part), Array.isArray(value) ? 0 : parts.length);
}

/** Throws a problem that names the first key that its object has twice. */
function refuseRepeated(text: string): never {
  const open: { keys: Set<string>; key: string; at: number | undefined }[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const inside = open.at(-1);
    if (code === 0x22) {
      const end = endOfString(text, index);
      if (inside !== undefined && /^\s*:/.test(text.slice(end + 1, end + 40))) {
        inside.key = JSON.parse(text.slice(index, end + 1)) as string;
        if (inside.keys.has(inside.key)) {
          const pointer = `#${open.map(({ key, at }) => `/${at ?? pointerPart(key)}`).join('')}`;
          throw problem('json_key_refused', { errors: listed([pointer], 'is given twice', 'isUnique') });
        }
        inside.keys.add(inside.key);
      }
      index = end;
    } else if (code === 0x7b || code === 0x5b) {
      open.push({ keys: new Set(), key: '', at: code === 0x5b ? 0 : undefined });
    } else if (code === 0x7d || code === 0x5d) open.pop();
    else if (code === 0x2c && inside?.at !== undefined) inside.at += 1;
  }
  throw problem('json_key_refused');
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw problem('json_malformed', { detail: 'The body is not UTF-8.' }, error);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // The parser's own text quotes the body.
    throw problem('json_malformed', {}, error);
  }
}

function refuseUnsafe(root: unknown): void {
  const keys: string[] = [];
  const numbers: string[] = [];
  const pending: { value: unknown; pointer: string }[] = [{ value: root, pointer: '#' }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, pointer } = next;
    if (value === Infinity || value === -Infinity) numbers.push(pointer);
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, child] of Object.entries(value)) {
      const childPointer = `${pointer}/${pointerPart(key)}`;
      if (refusedKeys.has(key)) keys.push(childPointer);
      pending.push({ value: child, pointer: childPointer });
    }
  }
  if (keys.length > 0) {
    throw problem('json_key_refused', { errors: listed(keys, 'is a key that is never accepted', 'refused') });
  }
  if (numbers.length > 0) {
    const errors = listed(numbers, 'is larger than any number of JSON can be', 'isFinite');
    throw problem('json_malformed', { detail: 'A number is too large.', errors });
  }
}

function listed(pointers: readonly string[], detail: string, code: string) {
  return pointers.slice(0, MAX_ERRORS).map((pointer) => ({ pointer, detail, code }));
}

function pointerPart(key: string): string {
  return key.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1');
}
