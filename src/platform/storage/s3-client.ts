import type * as S3 from '@aws-sdk/client-s3';
import type { BucketAccess } from '../../config/storage-settings';
import { StorageAwayError } from './storage-away.error';

const CONNECT_MS = 5_000;
// A store that has been silent for so long, in the middle of a file too, does not answer any more.
const SILENCE_MS = 30_000;
const ATTEMPTS = 3;

export type Sdk = typeof S3;

/** The package is optional; STORAGE_URL names a bucket and it is not there. */
export class S3PackageMissingError extends Error {
  constructor(options: ErrorOptions) {
    super(
      'STORAGE_URL names a bucket, and the package for it is missing: npm install @aws-sdk/client-s3',
      options,
    );
    this.name = 'S3PackageMissingError';
  }
}

/** Sends the calls of one bucket: each with a deadline, signed, repeated after faults of the network and of the store. */
export class S3Bucket {
  private loading?: Promise<{ sdk: Sdk; client: S3.S3Client }>;

  constructor(readonly access: BucketAccess) {}

  get name(): string {
    return this.access.bucket;
  }

  /** Rejects with {@link S3PackageMissingError}. */
  load(): Promise<{ sdk: Sdk; client: S3.S3Client }> {
    this.loading ??= import('@aws-sdk/client-s3').then(
      (sdk) => ({ sdk, client: this.connect(sdk) }),
      (cause: unknown) => {
        throw new S3PackageMissingError({ cause });
      },
    );
    return this.loading;
  }

  /** Throws {@link StorageAwayError} for whatever is not `undefined` by `absent`: no such key. */
  async call<T>(
    deadlineMs: number,
    send: (client: S3.S3Client, sdk: Sdk, options: { abortSignal: AbortSignal }) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const { sdk, client } = await this.load();
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), deadlineMs);
    const signals = signal === undefined ? [deadline.signal] : [deadline.signal, signal];
    try {
      return await send(client, sdk, { abortSignal: AbortSignal.any(signals) });
    } catch (error) {
      signal?.throwIfAborted();
      throw deadline.signal.aborted ? new StorageAwayError(this.name, 'TimeoutError') : this.faultOf(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** What is told of a failure: a word of the protocol or of the network, never an address, a key or a signature. */
  faultOf(error: unknown): Error {
    if (error instanceof StorageAwayError) return error;
    const { code, name, message } = error as { code?: unknown; name?: unknown; message?: unknown };
    // The SDK wraps some errors of the network and then has their code in the message only.
    const network = /\bE[A-Z]{4,20}\b/.exec(String(message))?.[0];
    const word = [code, network, name].find(
      (one): one is string => typeof one === 'string' && /^[A-Za-z0-9_]{2,60}$/.test(one),
    );
    return new StorageAwayError(this.name, word ?? 'Error');
  }

  close(): void {
    void this.loading?.then(({ client }) => client.destroy()).catch(() => undefined);
  }

  private connect({ S3Client }: Sdk): S3.S3Client {
    const { endpoint, region, forcePathStyle, credentials } = this.access;
    return new S3Client({
      region,
      forcePathStyle,
      maxAttempts: ATTEMPTS,
      ...(endpoint !== undefined && { endpoint }),
      ...(credentials !== undefined && { credentials }),
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        requestTimeout: SILENCE_MS,
        throwOnRequestTimeout: true,
        socketTimeout: SILENCE_MS,
      },
      // A line for each retry, with headers in it.
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    });
  }
}

const quiet = () => undefined;

/** Whether the store says that there is no such file or upload. */
export function isAbsent(error: unknown): boolean {
  return ['NoSuchKey', 'NoSuchUpload', 'NotFound'].includes((error as { name?: string }).name ?? '');
}
