import { createHash, randomBytes } from 'node:crypto';

const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A UUID whose order is that of time (version 7), so that the rows of neighbouring runs lie together. */
export function newRunId(now = Date.now()): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  return uuidOf(bytes, 7);
}

/** The id of a run whose request may be repeated: the same seed is the same run (UUID version 8). */
export function seededRunId(seed: string): string {
  return uuidOf(createHash('sha256').update(seed).digest().subarray(0, 16), 8);
}

function uuidOf(bytes: Buffer, version: number): string {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | (version << 4), 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Whether a text is a UUID at all; PostgreSQL refuses to compare anything else with one. */
export function isRunId(text: string): boolean {
  return shape.test(text);
}
