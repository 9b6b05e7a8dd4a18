import { readSync } from 'node:fs';
import type { FileEncoding } from './file-encoding';

/** What stands in place of a NUL character, which PostgreSQL cannot store: ASCII's own "substitute". */
export const substitute = 0x1a;

// Windows-1252 from 0x80 to 0x9f; Node 20's own decoder takes these for control characters. Above, it is Latin-1.
const windowsLetters = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';
const highHalf = windowsLetters + String.fromCharCode(...Array.from({ length: 96 }, (_, i) => 0xa0 + i));
const blockBytes = 64 * 1024;

/** Reads a file from its first letter on and gives UTF-8, whatever the file is written in. */
export class ByteSource {
  /** Bytes of the file that have been read. */
  position: number;
  private readonly convert: ((block: Uint8Array, target: Uint8Array) => number) | undefined;
  private block: Buffer | undefined;
  private readonly mayHaveNul: boolean;

  constructor(
    private readonly file: number,
    encoding: FileEncoding,
  ) {
    this.position = encoding.bomBytes;
    this.mayHaveNul = encoding.mayHaveNul;
    this.convert = converterFor(encoding);
  }

  /** Writes the next bytes into `target` from `offset` on; 0 at the end of the file. `length` is 1 KiB or more. */
  read(target: Uint8Array, offset: number, length: number): number {
    const written = this.convert === undefined ? this.readPlain(target, offset, length) : 0;
    const count =
      this.convert === undefined ? written : this.readConverted(this.convert, target, offset, length);
    if (this.mayHaveNul) replaceNul(target, offset, offset + count);
    return count;
  }

  private readPlain(target: Uint8Array, offset: number, length: number): number {
    const count = readSync(this.file, target, offset, length, this.position);
    this.position += count;
    return count;
  }

  private readConverted(
    convert: (block: Uint8Array, target: Uint8Array) => number,
    target: Uint8Array,
    offset: number,
    length: number,
  ): number {
    // No byte becomes more than three; what the decoder kept from before adds a character or two.
    const wanted = Math.min(blockBytes, Math.floor((length - 16) / 3));
    const block = (this.block ??= Buffer.allocUnsafe(blockBytes));
    for (;;) {
      const count = readSync(this.file, block, 0, wanted, this.position);
      this.position += count;
      const written = convert(block.subarray(0, count), target.subarray(offset, offset + length));
      // A block may hold nothing but the beginning of a character.
      if (written > 0 || count === 0) return written;
    }
  }
}

function converterFor({ encoding, mayBeDamaged }: FileEncoding) {
  if (encoding === 'windows-1252' || encoding === 'iso-8859-1') return singleBytes();
  if (encoding === 'utf-8' && !mayBeDamaged) return undefined;
  const decoder = new TextDecoder(encoding, { ignoreBOM: true });
  const encoder = new TextEncoder();
  return (block: Uint8Array, target: Uint8Array) =>
    encoder.encodeInto(decoder.decode(block, { stream: block.length > 0 }), target).written;
}

function singleBytes() {
  const encoder = new TextEncoder();
  const letters = [...highHalf].map((letter) => encoder.encode(letter));
  return (block: Uint8Array, target: Uint8Array) => {
    let to = 0;
    for (let i = 0; i < block.length; i++) {
      const byte = block[i]!;
      if (byte < 0x80) {
        target[to++] = byte;
        continue;
      }
      const letter = letters[byte - 0x80]!;
      for (let k = 0; k < letter.length; k++) target[to++] = letter[k]!;
    }
    return to;
  };
}

function replaceNul(bytes: Uint8Array, start: number, end: number): void {
  for (let at = bytes.indexOf(0, start); at >= 0 && at < end; at = bytes.indexOf(0, at + 1))
    bytes[at] = substitute;
}
