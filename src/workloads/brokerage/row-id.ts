import { createHash, randomBytes } from 'node:crypto';
import { nextIdSeed } from '../../platform/queue/id-seed';

const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The id of a new row, a UUID: in the order of time (version 7), or, within a request that may be repeated with its
 * Idempotency-Key, the same one each time (version 8).
 */
export function newRowId(seed = nextIdSeed(), now = Date.now()): string {
  if (seed !== undefined) {
    return uuidOf(createHash('sha256').update(seed).digest().subarray(0, 16), 8);
  }
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  return uuidOf(bytes, 7);
}

/** Whether a text is a UUID at all; PostgreSQL refuses to compare anything else with one. */
export function isRowId(text: string): boolean {
  return shape.test(text);
}

function uuidOf(bytes: Buffer, version: number): string {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | (version << 4), 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
