import { createHash } from 'node:crypto';
import { lowerCase } from './byte-set';
import { bytesOf, textOf } from './cell-text';
import type { FindingCatalog } from './finding-catalog';
import { columnFinder, type HeaderMap } from './header';
import type { RowCells } from './row-rules';
import type { RuleSetDto } from './rule-set.dto';

/** Keys are never longer than this; what does not fit is replaced by its SHA-256. */
export const maxKeyBytes = 64;

// Neither byte occurs in UTF-8, so no value can look like a separator or a digest.
const separator = 0xff;
const digestMark = 0xfe;

/** One key that no two rows may share. */
export interface UniqueKey {
  /** Its finding in the catalog; the message names the earlier row where `rowPlaceholder` stands. */
  kind: number;
  cells: number[];
  ignoreCase: boolean;
}

/** Stands in a uniqueness finding's message for the number of the row that came first. */
export const rowPlaceholder = '{row}';

/** Collects the keys of a rule set, of single columns and of several; those that lack a column are left out. */
export function compileKeys(ruleSet: RuleSetDto, header: HeaderMap, catalog: FindingCatalog): UniqueKey[] {
  const find = columnFinder(ruleSet);
  const single = ruleSet.columns
    .filter((column) => column.unique === true)
    .map((column) => ({
      columns: [column.name],
      ignoreCase: column.ignoreCase,
      severity: column.severities?.unique ?? column.severity,
      name: undefined,
      message: undefined,
    }));
  return [...single, ...(ruleSet.unique ?? [])].flatMap((rule) => {
    const indexes = rule.columns.map(find);
    const cells = indexes.map((index) => header.ruleCells[index] ?? -1);
    if (cells.includes(-1)) return [];
    const names = cells.map((cell) => header.names[header.cells.indexOf(cell)]!);
    const kind = catalog.define({
      rule: rule.name === undefined ? 'unique' : `unique:${rule.name}`,
      column: names[0]!,
      severity: rule.severity ?? 'error',
      message: rule.message ?? messageFor(names),
      cell: cells[0]!,
      isPrivate: ruleSet.columns[indexes[0]!]!.private === true,
    });
    return { kind, cells, ignoreCase: rule.ignoreCase === true };
  });
}

function messageFor(names: string[]): string {
  if (names.length === 1) return `Row ${rowPlaceholder} has the same value; no two rows may share one.`;
  const list = names.map((name) => `"${name}"`).join(', ');
  return `Row ${rowPlaceholder} has the same ${list}; no two rows may agree in all of them.`;
}

/** Writes a row's key to `target` at `offset` and gives its length; 0 when all its cells are empty. At most 64 bytes. */
export function writeKey(key: UniqueKey, row: RowCells, target: Uint8Array, offset: number): number {
  if (key.cells.length > 1 || key.ignoreCase) return writeAnyKey(key, row, target, offset);
  const cell = key.cells[0]!;
  const { bytes } = row;
  const start = row.starts[cell]!;
  const length = row.ends[cell]! - start;
  if (row.empty[cell] === 1) return 0;
  if (length >= maxKeyBytes) return writeLongKey(key, row, target, offset);
  for (let i = 0; i < length; i++) target[offset + i] = bytes[start + i]!;
  return length;
}

function writeAnyKey(key: UniqueKey, row: RowCells, target: Uint8Array, offset: number): number {
  const { bytes, starts, ends, empty } = row;
  const fold = key.ignoreCase ? lowerCase : undefined;
  const limit = offset + maxKeyBytes;
  let to = offset;
  let isEmpty = true;
  for (let i = 0; i < key.cells.length; i++) {
    const cell = key.cells[i]!;
    if (i > 0) target[to++] = separator;
    if (empty[cell] === 1) continue;
    isEmpty = false;
    const end = ends[cell]!;
    for (let at = starts[cell]!; at < end; at++) {
      const byte = bytes[at]!;
      if (to >= limit || (fold !== undefined && byte > 127)) return writeLongKey(key, row, target, offset);
      target[to++] = fold === undefined ? byte : fold[byte]!;
    }
    if (to >= limit) return writeLongKey(key, row, target, offset);
  }
  return isEmpty ? 0 : to - offset;
}

function writeLongKey(key: UniqueKey, row: RowCells, target: Uint8Array, offset: number): number {
  const { bytes, starts, ends, empty } = row;
  const parts: Uint8Array[] = [];
  key.cells.forEach((cell, index) => {
    if (index > 0) parts.push(Uint8Array.of(separator));
    if (empty[cell] === 1) return;
    const start = starts[cell]!;
    const end = ends[cell]!;
    if (key.ignoreCase) {
      parts.push(bytesOf(textOf(bytes, start, end).toLowerCase()));
    } else parts.push(bytes.subarray(start, end));
  });
  const whole = Buffer.concat(parts);
  const written =
    whole.length < maxKeyBytes
      ? whole
      : Buffer.concat([Uint8Array.of(digestMark), createHash('sha256').update(whole).digest()]);
  target.set(written, offset);
  return written.length;
}

/** A 32-bit hash of a key; keys of different rules have different seeds. */
export function hashKey(bytes: Uint8Array, start: number, length: number, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = start; i < start + length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return scramble(hash);
}

function scramble(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/**
 * Remembers in a fixed amount of memory which hashes came more than once: `mayRepeat` is always true for those, and rarely
 * for others.
 */
export class SeenHashes {
  private readonly seen: Int32Array;
  private readonly repeated: Int32Array;
  /** A short form of the same, by the first 19 bits of a hash: small enough for a cache, and mostly the answer. */
  private readonly coarse = new Int32Array(16_384);
  private readonly mask: number;
  private readonly waiting = new Int32Array(256);
  private waitingCount = 0;
  private isAnyRepeated = false;

  /** `expected` hashes get 8 to 16 bits each in two maps, of which each has between 64 KiB and `maxBytes`. */
  constructor(expected: number, maxBytes: number) {
    let bytes = 64 * 1024;
    while (bytes < expected && bytes < maxBytes) bytes *= 2;
    this.seen = new Int32Array(bytes / 4);
    this.repeated = new Int32Array(bytes / 4);
    this.mask = bytes / 4 - 1;
  }

  /** Whether any hash may have come more than once. */
  get hasRepeated(): boolean {
    this.settle();
    return this.isAnyRepeated;
  }

  add(hash: number): void {
    this.waiting[this.waitingCount++] = hash;
    if (this.waitingCount === this.waiting.length) this.settle();
  }

  mayRepeat(hash: number): boolean {
    if (this.waitingCount > 0) this.settle();
    if ((this.coarse[hash >>> 18]! & (1 << ((hash >>> 13) & 31))) === 0) return false;
    const bits = (1 << (hash & 31)) | (1 << ((hash >>> 5) & 31));
    return (this.repeated[(hash >>> 10) & this.mask]! & bits) === bits;
  }

  /**
   * Looks up all waiting hashes at once: the map is larger than a cache, and a processor waits for many places of memory as
   * long as for one. For the same reason both bits of a hash lie in one word.
   */
  private settle(): void {
    const { seen, waiting, mask } = this;
    for (let i = 0; i < this.waitingCount; i++) {
      const hash = waiting[i]!;
      const word = (hash >>> 10) & mask;
      const bits = (1 << (hash & 31)) | (1 << ((hash >>> 5) & 31));
      const before = seen[word]!;
      seen[word] = before | bits;
      if ((before & bits) === bits) this.noteRepeated(hash, word, bits);
    }
    this.waitingCount = 0;
  }

  private noteRepeated(hash: number, word: number, bits: number): void {
    this.isAnyRepeated = true;
    this.coarse[hash >>> 18]! |= 1 << ((hash >>> 13) & 31);
    this.repeated[word]! |= bits;
  }
}
