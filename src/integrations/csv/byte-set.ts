import { bytesOf, isAscii, textOf } from './cell-text';

/** A set of texts that is asked with UTF-8 bytes, without making a string (except for other letters' upper and lower case). */
export class ByteSet {
  private readonly slots: (Uint8Array[] | undefined)[];
  private readonly mask: number;
  private readonly folded: Set<string> | undefined;
  private readonly fold: Uint8Array;

  constructor(texts: readonly string[], ignoreCase = false) {
    this.fold = ignoreCase ? lowerCase : sameCase;
    this.folded = ignoreCase ? new Set(texts.map((text) => text.toLowerCase())) : undefined;
    let size = 8;
    while (size < texts.length * 2) size *= 2;
    this.mask = size - 1;
    this.slots = new Array<Uint8Array[] | undefined>(size).fill(undefined);
    for (const text of texts) {
      const bytes = bytesOf(ignoreCase ? text.toLowerCase() : text);
      const slot = this.hash(bytes, 0, bytes.length) & this.mask;
      (this.slots[slot] ??= []).push(bytes);
    }
  }

  has(bytes: Uint8Array, start: number, end: number): boolean {
    const candidates = this.slots[this.hash(bytes, start, end) & this.mask];
    if (candidates !== undefined) {
      for (let i = 0; i < candidates.length; i++)
        if (this.equals(candidates[i]!, bytes, start, end)) return true;
    }
    if (this.folded === undefined || isAscii(bytes, start, end)) return false;
    return this.folded.has(textOf(bytes, start, end).toLowerCase());
  }

  /** Few texts differ in their length or in one of these four places; the rest is compared. */
  private hash(bytes: Uint8Array, start: number, end: number): number {
    const { fold } = this;
    const length = end - start;
    if (length === 0) return 0;
    const ends = fold[bytes[start]!]! * 31 + fold[bytes[end - 1]!]!;
    const inner = fold[bytes[start + (length >> 1)]!]! * 17 + fold[bytes[end - ((length + 3) >> 2)]!]!;
    return length * 7 + ends * 5 + inner;
  }

  private equals(member: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
    if (member.length !== end - start) return false;
    const { fold } = this;
    for (let i = 0; i < member.length; i++) if (member[i] !== fold[bytes[start + i]!]) return false;
    return true;
  }
}

const sameCase = Uint8Array.from({ length: 256 }, (_, byte) => byte);
/** For every ASCII letter its small form, every other byte unchanged. */
export const lowerCase = sameCase.map((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));
