import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

const [zip, unzip] = [promisify(gzip), promisify(gunzip)];

// Below, gzip saves less than it costs.
const ZIP_FROM_BYTES = 2_048;
export const MAX_VALUE_BYTES = 16 * 1_048_576;
export const MAX_STORED_BYTES = 1_048_576;
const VERSION_BYTES = 16;
const HEAD_BYTES = VERSION_BYTES + 13;
const [PLAIN, ZIPPED] = [1, 2];

/** A value that JSON cannot hold, or that is larger than what is kept: it stays so, however often it is computed. */
export class CacheValueError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CacheValueError';
  }
}

/** What is known of a value beside the value. */
export interface CacheFacts {
  /** 32 hexadecimal digits, others with each computation. */
  readonly version: string;
  /** For how long it is fresh, counted from when it was stored. */
  readonly ttlMs: number;
  /** For how long it may be handed out after that. */
  readonly staleMs: number;
}

export interface CacheEntry extends CacheFacts {
  readonly json: string;
  /** Of the JSON. */
  readonly bytes: number;
  readonly isCompressed: boolean;
}

export interface PackedEntry {
  readonly entry: CacheEntry;
  readonly stored: Buffer;
}

/** As it is stored: its version, how long it lives, whether it is gzip, how long the JSON is, the JSON. Throws {@link CacheValueError}. */
export async function packed(json: string, facts: CacheFacts): Promise<PackedEntry> {
  const plain = Buffer.from(json);
  if (plain.length > MAX_VALUE_BYTES) throw tooLarge(plain.length, MAX_VALUE_BYTES, 'bytes');
  const isCompressed = plain.length >= ZIP_FROM_BYTES;
  const body = isCompressed ? await zip(plain) : plain;
  if (body.length > MAX_STORED_BYTES) throw tooLarge(body.length, MAX_STORED_BYTES, 'bytes after gzip');
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(facts.version, 'hex');
  head.writeUInt32BE(facts.ttlMs, VERSION_BYTES);
  head.writeUInt32BE(facts.staleMs, VERSION_BYTES + 4);
  head.writeUInt32BE(plain.length, VERSION_BYTES + 8);
  head.writeUInt8(isCompressed ? ZIPPED : PLAIN, HEAD_BYTES - 1);
  const entry = { ...facts, json, bytes: plain.length, isCompressed };
  return { entry, stored: Buffer.concat([head, body]) };
}

/** Undefined for what is no entry of ours, however it got there: then it is computed anew. */
export async function unpacked(stored: Buffer): Promise<CacheEntry | undefined> {
  if (stored.length <= HEAD_BYTES || stored.length > HEAD_BYTES + MAX_STORED_BYTES) return undefined;
  const kind = stored.readUInt8(HEAD_BYTES - 1);
  const bytes = stored.readUInt32BE(VERSION_BYTES + 8);
  if (bytes > MAX_VALUE_BYTES || (kind !== PLAIN && kind !== ZIPPED)) return undefined;
  const plain = await bodyOf(stored.subarray(HEAD_BYTES), kind === ZIPPED, bytes);
  if (plain?.length !== bytes) return undefined;
  return {
    version: stored.toString('hex', 0, VERSION_BYTES),
    ttlMs: stored.readUInt32BE(VERSION_BYTES),
    staleMs: stored.readUInt32BE(VERSION_BYTES + 4),
    json: plain.toString(),
    bytes,
    isCompressed: kind === ZIPPED,
  };
}

async function bodyOf(body: Buffer, isCompressed: boolean, bytes: number): Promise<Buffer | undefined> {
  if (!isCompressed) return body;
  // It ends where the JSON is said to end, whatever would come out.
  return unzip(body, { maxOutputLength: Math.max(1, bytes) }).catch(() => undefined);
}

/** The JSON of a value. Throws {@link CacheValueError}. */
export function jsonOf(value: unknown, source: string): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value) as string | undefined;
  } catch (error) {
    throw new CacheValueError(
      `Source "${source}" answered with what is no JSON: ${String(error).slice(0, 200)}`,
    );
  }
  if (json === undefined) throw new CacheValueError(`Source "${source}" answered with nothing.`);
  return json;
}

function tooLarge(size: number, max: number, unit: string): CacheValueError {
  return new CacheValueError(
    `The value is ${size} ${unit}; at most ${max} are kept. Let its source answer less.`,
  );
}
