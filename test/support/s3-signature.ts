import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

// The keys that s3rver knows.
export const KEY_ID = 'S3RVER';
export const SECRET = 'S3RVER';

const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
const encoded = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/** What is wrong with the signature or the hash of a request, by the description of AWS; undefined when nothing is. */
export function signatureFaultOf(
  { headers, method = '', url = '' }: IncomingMessage,
  body: Buffer,
): string | undefined {
  const shape =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
  const [, keyId, day = '', region = '', signed = '', signature = ''] =
    shape.exec(headers.authorization ?? '') ?? [];
  if (keyId !== KEY_ID) return 'no signature of a known key';
  const told = headers['x-amz-content-sha256'] as string | undefined;
  if (told === undefined) return 'no hash of the body';
  if (/^[0-9a-f]{64}$/.test(told) && told !== sha256(body)) return 'another body';
  if (!/^[0-9a-f]{64}$/.test(told) && told !== 'UNSIGNED-PAYLOAD') return `the body is ${told}`;
  const md5 = headers['content-md5'];
  if (typeof md5 === 'string' && md5 !== createHash('md5').update(body).digest('base64'))
    return 'another MD5';
  const { pathname, searchParams } = new URL(url, 'http://x');
  const query = [...searchParams].map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
  const names = signed.split(';');
  const canonical = [
    method,
    pathname,
    query.toSorted((one, other) => (one < other ? -1 : 1)).join('&'),
    ...names.map(
      (name) =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replace(/ +/g, ' ')}`,
    ),
    '',
    signed,
    told,
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', String(headers['x-amz-date']), scope, sha256(canonical)].join('\n');
  const key = [region, 's3', 'aws4_request'].reduce<Buffer>(hmac, hmac(`AWS4${SECRET}`, day));
  const expected = hmac(key, text);
  return timingSafeEqual(expected, Buffer.from(signature, 'hex')) ? undefined : 'another signature';
}
