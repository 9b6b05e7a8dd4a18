import { ECDH } from 'node:crypto';

export const MAX_ENDPOINT_CHARACTERS = 2_048;
const UNCOMPRESSED_POINT = 4;
const AUTH_BYTES = 16;

/** What is wrong with the address of a push service, as far as it can be read; undefined where nothing is. */
export function endpointFault(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_ENDPOINT_CHARACTERS || !URL.canParse(value)) {
    return `must be a URL of at most ${MAX_ENDPOINT_CHARACTERS} characters`;
  }
  const { protocol, username, password } = new URL(value);
  if (protocol !== 'https:') return 'must begin with https://';
  return username === '' && password === '' ? undefined : 'must not hold a user or a password';
}

/** The same for the public key of a browser: a point of the curve P-256, with which a secret can be agreed on. */
export function publicKeyFault(value: unknown): string | undefined {
  const bytes = bytesOf(value);
  if (bytes?.length !== 65 || bytes[0] !== UNCOMPRESSED_POINT) {
    return 'must be 65 bytes in base64url, as PushSubscription.toJSON() has it';
  }
  try {
    ECDH.convertKey(bytes, 'prime256v1');
    return undefined;
  } catch {
    return 'must be a point of the curve P-256';
  }
}

/** The same for the secret that a browser shares with whoever may send to it. */
export function authFault(value: unknown): string | undefined {
  return bytesOf(value)?.length === AUTH_BYTES
    ? undefined
    : `must be ${AUTH_BYTES} bytes in base64url, as PushSubscription.toJSON() has it`;
}

/** Undefined for what no encoder writes: padding, other letters, bits that are thrown away. */
function bytesOf(value: unknown): Buffer | undefined {
  if (typeof value !== 'string' || value.length > 100) return undefined;
  const bytes = Buffer.from(value, 'base64url');
  return bytes.toString('base64url') === value ? bytes : undefined;
}
