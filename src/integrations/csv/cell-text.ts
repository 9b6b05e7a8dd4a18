const encoder = new TextEncoder();

/** The text of some UTF-8 bytes. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

/** The UTF-8 bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The first `maxCharacters` characters of some UTF-8 bytes, without ever cutting one in half. */
export function beginningOf(bytes: Uint8Array, start: number, end: number, maxCharacters: number): string {
  // A character takes four bytes at most; the last one may be cut here and is dropped by the slice below.
  const text = textOf(bytes, start, Math.min(end, start + maxCharacters * 4 + 4));
  if (text.length <= maxCharacters) return text;
  let kept = '';
  let count = 0;
  for (const character of text) {
    if (count++ === maxCharacters) break;
    kept += character;
  }
  return kept;
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
