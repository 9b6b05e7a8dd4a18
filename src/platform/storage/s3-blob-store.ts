import { createReadStream, createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BucketAccess } from '../../config/storage-settings';
import type { BlobStore, FinishedFile, LocalDraft, LocalFile, OpenedFile, ReadOptions } from './blob-store';
import { isAbsent, S3Bucket } from './s3-client';
import { S3Leftovers } from './s3-leftovers';
import { LONGEST_UPLOAD_MS, MIN_PART_BYTES, S3Upload } from './s3-upload';
import type { Scratch } from './scratch';
import { isDiskFull, StorageFullError } from './storage-full.error';
import { isStorable, segmentsOf, type StoredFile } from './stored-file';

const DEADLINE_MS = 30_000;
const PROBE_DEADLINE_MS = 2_000;
const PROBE_KEY = 'holdfast-probe';

/** Files in a bucket of an S3-compatible store; names and tenants are parts of the key. */
export class S3BlobStore implements BlobStore {
  readonly kind = 's3';
  private readonly bucket: S3Bucket;
  private readonly leftovers: S3Leftovers;
  private asking?: Promise<void>;

  constructor(
    access: BucketAccess,
    private readonly scratch: Scratch,
  ) {
    this.bucket = new S3Bucket(access);
    this.leftovers = new S3Leftovers(this.bucket);
  }

  /** Rejects with a sentence where the optional package is missing. */
  async load(): Promise<void> {
    await this.bucket.load();
  }

  close(): void {
    this.bucket.close();
  }

  write(file: StoredFile, source: Readable, maxBytes: number): Promise<{ bytes: number }> {
    return new S3Upload(this.bucket, this.keyOf(file), maxBytes).run(source);
  }

  async open(file: StoredFile): Promise<OpenedFile | undefined> {
    const found = await this.head(file);
    if (found === undefined) return undefined;
    const { bytes, etag } = found;
    const stream = (options?: ReadOptions) => this.read(file, bytes, etag, options);
    return { bytes, stream, close: () => Promise.resolve() };
  }

  async has(file: StoredFile): Promise<boolean> {
    return (await this.head(file)) !== undefined;
  }

  async remove(file: StoredFile): Promise<void> {
    const place = this.placeOf(file);
    await this.bucket.call(DEADLINE_MS, (client, { DeleteObjectCommand }, options) =>
      client.send(new DeleteObjectCommand(place), options),
    );
  }

  /** A bucket has no limit that it would tell. */
  assertRoomFor(): Promise<void> {
    return Promise.resolve();
  }

  async *untouched(purpose: string, ageMs: number): AsyncGenerator<StoredFile> {
    const youngest = Date.now() - ageMs;
    const { bucket: Bucket, prefix } = this.bucket.access;
    let ContinuationToken: string | undefined;
    do {
      const input = { Bucket, Prefix: `${prefix}${purpose}/`, ContinuationToken };
      const page = await this.bucket.call(DEADLINE_MS, (client, { ListObjectsV2Command }, options) =>
        client.send(new ListObjectsV2Command(input), options),
      );
      for (const { Key = '', LastModified, Size = 0 } of page.Contents ?? []) {
        const [, tenant = '', name = '', ...more] = Key.slice(prefix.length).split('/');
        const file = { purpose, tenant, name };
        // AWS dates a file that came in parts back to the moment at which its first part was sent.
        const writtenMs = Size < MIN_PART_BYTES ? 0 : LONGEST_UPLOAD_MS;
        const isOld = LastModified !== undefined && LastModified.getTime() + writtenMs < youngest;
        if (isOld && more.length === 0 && isStorable(file)) yield file;
      }
      ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  giveUpUnfinished(purpose: string): Promise<number> {
    return this.leftovers.giveUp(`${this.bucket.access.prefix}${purpose}/`);
  }

  async localCopy(file: StoredFile): Promise<LocalFile> {
    const opened = await this.open(file);
    const place = await this.scratch.place(opened?.bytes);
    if (opened === undefined) return place;
    try {
      await pipeline(opened.stream(), createWriteStream(place.path, { flags: 'wx', mode: 0o600 }));
      return place;
    } catch (error) {
      await place.release();
      throw isDiskFull(error) ? new StorageFullError({ cause: error }) : error;
    }
  }

  async adopt(file: StoredFile, { path, handle, bytes }: FinishedFile): Promise<void> {
    await this.write(file, handle.createReadStream({ start: 0, autoClose: false }), bytes);
    await rm(path, { force: true });
  }

  async localDraft(file: StoredFile): Promise<LocalDraft> {
    const { path } = await this.scratch.place();
    const publish = async () => {
      const { size } = await stat(path);
      await this.write(file, createReadStream(path), size);
    };
    return { path, isInPlace: false, publish, release: () => rm(path, { force: true }) };
  }

  answers(): Promise<void> {
    // Probes that arrive while one is asking share its answer.
    this.asking ??= this.probe().finally(() => (this.asking = undefined));
    return this.asking;
  }

  /** Writes and removes a small object. */
  async assertWritable(): Promise<void> {
    const place = { Bucket: this.bucket.name, Key: `${this.bucket.access.prefix}${PROBE_KEY}` };
    await this.bucket.call(DEADLINE_MS, async (client, sdk, options) => {
      await client.send(new sdk.PutObjectCommand({ ...place, Body: Buffer.from('ok') }), options);
      await client.send(new sdk.DeleteObjectCommand(place), options);
    });
  }

  private async probe(): Promise<void> {
    await this.bucket.call(PROBE_DEADLINE_MS, (client, { HeadBucketCommand }, options) =>
      client.send(new HeadBucketCommand({ Bucket: this.bucket.name }), options),
    );
  }

  private head(file: StoredFile): Promise<{ bytes: number; etag?: string } | undefined> {
    const place = this.placeOf(file);
    return this.bucket.call(DEADLINE_MS, async (client, { HeadObjectCommand }, options) => {
      try {
        const { ContentLength = 0, ETag } = await client.send(new HeadObjectCommand(place), options);
        return { bytes: ContentLength, ...(ETag !== undefined && { etag: ETag }) };
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    });
  }

  /** Asked for when it is read; whoever turns away ends the call, too. */
  private read(file: StoredFile, bytes: number, etag?: string, options: ReadOptions = {}): Readable {
    const { start = 0, end = bytes - 1, highWaterMark } = options;
    const through = new PassThrough(highWaterMark === undefined ? {} : { highWaterMark });
    if (end < start) return through.end();
    const given = new AbortController();
    through.once('close', () => given.abort());
    this.fetch(file, `bytes=${start}-${end}`, given.signal, etag)
      .then((body) => pipeline(body, through))
      .catch((error: unknown) => through.destroy(this.bucket.faultOf(error)));
    return through;
  }

  private async fetch(
    file: StoredFile,
    Range: string,
    signal: AbortSignal,
    IfMatch?: string,
  ): Promise<Readable> {
    const input = { ...this.placeOf(file), Range, IfMatch };
    const { Body } = await this.bucket.call(
      DEADLINE_MS,
      (client, { GetObjectCommand }, options) => client.send(new GetObjectCommand(input), options),
      signal,
    );
    return Body as Readable;
  }

  private placeOf(file: StoredFile): { Bucket: string; Key: string } {
    return { Bucket: this.bucket.name, Key: this.keyOf(file) };
  }

  private keyOf(file: StoredFile): string {
    return this.bucket.access.prefix + segmentsOf(file).join('/');
  }
}
