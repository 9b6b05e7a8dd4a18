const encoder = new TextEncoder();

/** The text of some UTF-8 bytes. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

/** The UTF-8 bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The first `maxCharacters` characters of some UTF-8 bytes, without ever cutting one in half; a view, no copy. */
export function beginningOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxCharacters: number,
): Uint8Array {
  let count = 0;
  // Characters have one byte at least, so that most cells need no counting.
  for (let at = end - start > maxCharacters ? start : end; at < end; at++) {
    if ((bytes[at]! & 0xc0) !== 0x80 && count++ === maxCharacters) return bytes.subarray(start, at);
  }
  return bytes.subarray(start, end);
}

/** How many characters (code points) some UTF-8 bytes hold. */
export function charactersIn(bytes: Uint8Array, start: number, end: number): number {
  let count = end - start;
  for (let i = start; i < end; i++) if ((bytes[i]! & 0xc0) === 0x80) count--;
  return count;
}

/** Whether every byte is an ASCII one. */
export function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! > 127) return false;
  return true;
}
