import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const KEY_ID_BYTES = 9;
const SECRET_BYTES = 32;
const shape = /^(hf_[\w-]{12})\.([\w-]{43})$/;

/** The two halves of a key: the public one names it, the secret one proves it. */
export interface KeyText {
  readonly kid: string;
  readonly secret: string;
}

/** A name for a new key. */
export function newKeyId(): string {
  return `hf_${randomBytes(KEY_ID_BYTES).toString('base64url')}`;
}

/** 256 random bits: nothing slower than one SHA-256 is needed to keep them from being guessed. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** What a caller sends, `kid.secret`. */
export function writeKey({ kid, secret }: KeyText): string {
  return `${kid}.${secret}`;
}

/** The halves of what a caller sent, or undefined for what was never a key of ours. */
export function readKey(text: string): KeyText | undefined {
  const [, kid, secret] = shape.exec(text) ?? [];
  return kid === undefined || secret === undefined ? undefined : { kid, secret };
}

export function isKeyId(text: string): boolean {
  return /^hf_[\w-]{12}$/.test(text);
}

/** What is stored of a secret. */
export function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

// No secret has this digest, so that an unknown key is compared like a known one.
const nobody = Buffer.alloc(32);

/** Whether one of at most two digests is that of the secret; takes the same time whichever it is, and for none. */
export function provesOne(secret: string, digests: readonly Buffer[]): boolean {
  const given = digestOf(secret);
  const [first = nobody, second = nobody] = digests;
  const isFirst = timingSafeEqual(given, first);
  const isSecond = timingSafeEqual(given, second);
  return isFirst || isSecond;
}
