import {
  hashKey,
  maxKeyBytes,
  SeenHashes,
  writeKey,
  type UniqueKey,
} from '../../../integrations/csv/unique-keys';
import type { RowCells } from '../../../integrations/csv/row-rules';
import type { BlockFile } from './validation-pass-report';

// Row (4), hash (4), number of the rule (2), length (1), and the key itself.
const headBytes = 11;
const maxFilterBytes = 8 * 1024 * 1024;
const readBytes = 64 * 1024;

/** A key that another row may have too. */
export interface KeyOfRow {
  row: number;
  /** The number of the rule in two bytes, and the key. */
  key: Uint8Array;
}

/**
 * Writes the keys of all rows to a file and remembers in a few megabytes which of them may have occurred twice. Only those
 * are read back, for PostgreSQL to decide; in a file without duplicates that is next to none.
 */
export class KeyLog {
  private readonly seen: SeenHashes;
  private readonly view: DataView;

  constructor(
    private readonly keys: UniqueKey[],
    private readonly file: BlockFile,
    private readonly memory: Uint8Array,
    expectedRows: number,
  ) {
    this.view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
    this.seen = new SeenHashes(expectedRows * keys.length, maxFilterBytes);
  }

  get mayHaveDuplicates(): boolean {
    return this.seen.hasRepeated;
  }

  add(row: number, cells: RowCells): void {
    const { keys, file, memory, view } = this;
    file.hasRoom(keys.length * (headBytes + maxKeyBytes));
    for (let i = 0; i < keys.length; i++) {
      const at = file.at;
      const length = writeKey(keys[i]!, cells, memory, at + headBytes);
      if (length === 0) continue;
      const hash = hashKey(memory, at + headBytes, length, i);
      this.seen.add(hash);
      view.setInt32(at, row);
      view.setInt32(at + 4, hash);
      memory[at + 8] = length;
      view.setUint16(at + 9, i);
      file.at = at + headBytes + length;
    }
  }

  /** The keys that may occur twice, in the order of their rows; the arrays are valid until the next step. */
  *repeated(): Generator<KeyOfRow> {
    this.file.flush();
    const block = new Uint8Array(readBytes);
    const view = new DataView(block.buffer);
    let position = 0;
    for (let filled = 0; ;) {
      const read = this.file.read(block, filled, block.length - filled, position);
      position += read;
      filled += read;
      let at = 0;
      while (at + headBytes <= filled) {
        const end = at + headBytes + block[at + 8]!;
        if (end > filled) break;
        if (this.seen.mayRepeat(view.getInt32(at + 4))) {
          yield { row: view.getInt32(at), key: block.subarray(at + 9, end) };
        }
        at = end;
      }
      if (read === 0) return;
      block.copyWithin(0, at, filled);
      filled -= at;
    }
  }
}
