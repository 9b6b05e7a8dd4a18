/** The bucket that STORAGE_URL names, and how it is reached. */
export interface BucketAddress {
  readonly bucket: string;
  /** Empty, or with a slash at its end. */
  readonly prefix: string;
  readonly endpoint?: string;
  readonly region: string;
  readonly forcePathStyle: boolean;
}

const known = new Set(['endpoint', 'region', 'forcePathStyle']);
const FORM = 'write s3://bucket/prefix?endpoint=https://host:port&region=…&forcePathStyle=true';

/** Reads STORAGE_URL; a text says what is wrong with it, and shows nothing of it. */
export function bucketAddress(text: string): BucketAddress | string {
  if (!URL.canParse(text)) return `STORAGE_URL cannot be read: ${FORM}`;
  const { hostname: bucket, pathname, username, password, port, hash, searchParams } = new URL(text);
  if (username !== '' || password !== '') {
    return 'STORAGE_URL must hold no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
  }
  const isBucket = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) && port === '' && hash === '';
  const path = pathname.split('/').filter((part) => part !== '');
  if (!isBucket || !path.every((part) => /^[A-Za-z0-9_.-]{1,100}$/.test(part))) {
    return `STORAGE_URL must name a bucket, and a prefix of letters, digits, dots and dashes: ${FORM}`;
  }
  const strange = [...searchParams.keys()].find((name) => !known.has(name));
  if (strange !== undefined) return `STORAGE_URL knows endpoint, region and forcePathStyle only: ${FORM}`;
  const endpoint = searchParams.get('endpoint') ?? undefined;
  if (endpoint !== undefined && !/^https?:\/\/[^\s/@?#]+\/?$/.test(endpoint)) {
    return `The endpoint in STORAGE_URL must be http(s)://host:port: ${FORM}`;
  }
  const isPathStyle = searchParams.get('forcePathStyle') ?? String(endpoint !== undefined);
  if (isPathStyle !== 'true' && isPathStyle !== 'false') {
    return `forcePathStyle in STORAGE_URL must be true or false: ${FORM}`;
  }
  return {
    bucket,
    prefix: path.map((part) => `${part}/`).join(''),
    ...(endpoint !== undefined && { endpoint }),
    region: searchParams.get('region') ?? 'us-east-1',
    forcePathStyle: isPathStyle === 'true',
  };
}
