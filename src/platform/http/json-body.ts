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
 * 250 members in one object, or 20,000 values) and `json_key_refused`; of a key that is given twice the last one counts.
 */
export function parseJson(bytes: Uint8Array | string): unknown {
  const text = typeof bytes === 'string' ? bytes : decode(bytes);
  if (isDeeperThan(text, MAX_JSON_DEPTH)) throw problem('json_too_deep');
  if (isWiderThan(text, MAX_JSON_MEMBERS, MAX_JSON_VALUES)) throw problem('json_too_wide');
  const value = parse(text);
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
