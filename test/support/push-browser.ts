import { createDecipheriv, createECDH, hkdfSync, randomBytes, type ECDH } from 'node:crypto';

const SALT_BYTES = 16;
const TAG_BYTES = 16;
const LAST_RECORD = 2;

/** What `PushSubscription.toJSON()` gives. */
export interface SubscriptionJson {
  readonly endpoint: string;
  readonly expirationTime: number | null;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

/** A browser that has subscribed: it alone can read what is pushed to it. */
export class PushBrowser {
  private constructor(
    private readonly curve: ECDH,
    private readonly auth: Buffer,
  ) {}

  static create(): PushBrowser {
    const curve = createECDH('prime256v1');
    curve.generateKeys();
    return new PushBrowser(curve, randomBytes(16));
  }

  static of(privateKey: string, auth: string): PushBrowser {
    const curve = createECDH('prime256v1');
    curve.setPrivateKey(privateKey, 'base64url');
    return new PushBrowser(curve, Buffer.from(auth, 'base64url'));
  }

  subscription(endpoint: string): SubscriptionJson {
    const keys = { p256dh: this.curve.getPublicKey('base64url'), auth: this.auth.toString('base64url') };
    return { endpoint, expirationTime: null, keys };
  }

  /** As RFC 8291 describes it, by the words of the RFC alone. Throws for what no browser would show. */
  read(body: Buffer): string {
    const salt = body.subarray(0, SALT_BYTES);
    const recordBytes = body.readUInt32BE(SALT_BYTES);
    const keyEnd = SALT_BYTES + 5 + body.readUInt8(SALT_BYTES + 4);
    const sender = body.subarray(SALT_BYTES + 5, keyEnd);
    const sealed = body.subarray(keyEnd);
    if (sealed.length > recordBytes) throw new Error('It is more than one record.');
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.curve.getPublicKey(), sender]);
    const secret = hkdfSync('sha256', this.curve.computeSecret(sender), this.auth, info, 32);
    const derive = (purpose: string, bytes: number) =>
      Buffer.from(hkdfSync('sha256', Buffer.from(secret), salt, `Content-Encoding: ${purpose}\0`, bytes));
    const end = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12));
    decipher.setAuthTag(sealed.subarray(end));
    const padded = Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
    const delimiter = padded.findLastIndex((byte) => byte !== 0);
    if (padded[delimiter] !== LAST_RECORD) throw new Error('The record is not the last one.');
    return padded.subarray(0, delimiter).toString('utf8');
  }
}
