import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const PREFIX = 'hfs1';
const IV_BYTES = 12;
const AUTH_TAG_BYTES = 16;
const KEY_BYTES = 32;
const SAMENESS_BYTES = 16;
const shape = /^hfs1\.([a-z0-9]{1,16})\.([\w-]{22})\.([\w-]{38,})$/;
const sealedInJson = /"hfs1\.[a-z0-9]{1,16}\.([\w-]{22})\.[\w-]{38,}"/g;

/** Where a sealed text belongs; it opens nowhere else. */
export interface SecretPlace {
  readonly tenant: string;
  /** The type of the job. */
  readonly type: string;
  readonly field: string;
}

/** A sealed text that cannot be opened here; the message says what to do, and nothing of the text. */
export class SecretUnreadableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SecretUnreadableError';
  }
}

interface NamedKey {
  readonly name: string;
  readonly sealing: Buffer;
  readonly comparing: Buffer;
}

/** Whether a text looks like one that was sealed. */
export function isSealed(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith(`${PREFIX}.`) && shape.test(value);
}

/** JSON in which every sealed text is reduced to what is the same each time the same text is sealed. */
export function withoutNonces(json: string): string {
  return json.includes(`"${PREFIX}.`) ? json.replace(sealedInJson, '"$1"') : json;
}

/**
 * AES-256-GCM with named keys: the first one seals, every one opens. A sealed text is
 * `hfs1.<key>.<sameness>.<nonce, ciphertext and tag>`; the sameness is an HMAC by the last key, so that it stays what
 * it was while a new key is put in front, and the same job under the same key of a caller is still recognised.
 */
export class SecretBox {
  private readonly keys: readonly NamedKey[];

  /** Takes `name:key` with commas between, each key 32 bytes in base64 or base64url. Throws for anything else. */
  constructor(text: string) {
    this.keys = text.split(',').map(namedKey);
    const names = new Set(this.keys.map(({ name }) => name));
    if (names.size < this.keys.length) throw new Error('two keys have one name');
  }

  seal(value: string, place: SecretPlace): string {
    const { name, sealing } = this.keys[0]!;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', sealing, iv).setAAD(boundTo(place));
    const sealed = Buffer.concat([iv, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${PREFIX}.${name}.${this.samenessOf(value, place)}.${sealed.toString('base64url')}`;
  }

  /** Throws {@link SecretUnreadableError} for a key that is not here, and for a text that was made for another place. */
  open(text: string, place: SecretPlace): string {
    const [, name = '', , body = ''] = shape.exec(text) ?? [];
    const key = this.keys.find((one) => one.name === name);
    if (key === undefined) {
      throw new SecretUnreadableError(
        `"${place.field}" was sealed with the key "${name}", which is not in SECRETS_KEYS: put it back there, then redrive the job.`,
      );
    }
    const bytes = Buffer.from(body, 'base64url');
    const end = bytes.length - AUTH_TAG_BYTES;
    try {
      const decipher = createDecipheriv('aes-256-gcm', key.sealing, bytes.subarray(0, IV_BYTES))
        .setAAD(boundTo(place))
        .setAuthTag(bytes.subarray(end));
      return decipher.update(bytes.subarray(IV_BYTES, end), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      throw new SecretUnreadableError(
        `"${place.field}" cannot be opened: it was changed, sealed for another job type or tenant, or with another key of the name "${name}".`,
      );
    }
  }

  private samenessOf(value: string, place: SecretPlace): string {
    const hmac = createHmac('sha256', this.keys.at(-1)!.comparing);
    return hmac
      .update(boundTo(place))
      .update('\0')
      .update(value)
      .digest()
      .subarray(0, SAMENESS_BYTES)
      .toString('base64url');
  }
}

function namedKey(text: string): NamedKey {
  const [, name, encoded] = /^([a-z0-9]{1,16}):([A-Za-z0-9+/_-]{43}=?)$/.exec(text.trim()) ?? [];
  if (name === undefined || encoded === undefined) {
    throw new Error('a key is written <name>:<32 bytes in base64>, the name in small letters and digits');
  }
  const secret = Buffer.from(encoded, 'base64');
  const derived = (purpose: string) => Buffer.from(hkdfSync('sha256', secret, '', purpose, KEY_BYTES));
  return { name, sealing: derived('holdfast seal'), comparing: derived('holdfast compare') };
}

function boundTo({ tenant, type, field }: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify([tenant, type, field]));
}
