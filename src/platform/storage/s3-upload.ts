import type { UploadPartCommandInput } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { FileTooLargeError } from './durable-file-writer';
import type { S3Bucket } from './s3-client';
import { StorageAwayError } from './storage-away.error';

/** What is smaller goes in one call. */
export const MIN_PART_BYTES = 8 * 1024 * 1024;
// The protocol knows 10,000.
const MAX_PARTS = 9_000;
const PART_DEADLINE_MS = 120_000;
const DEADLINE_MS = 30_000;

/** No upload in parts takes longer, so that one which is older has lost its process. */
export const LONGEST_UPLOAD_MS = 86_400_000;

interface Part {
  readonly PartNumber: number;
  readonly ETag: string;
}

/**
 * Streams into one key: in one call what is small, else in parts, one under way while the next is gathered, so that a
 * slow store slows the source down. Whatever fails, the parts are given up and the key is what it was.
 */
export class S3Upload {
  private uploadId?: string;
  private begunAt = 0;
  private readonly parts: Part[] = [];
  private sending: Promise<void> = Promise.resolve();

  constructor(
    private readonly bucket: S3Bucket,
    private readonly key: string,
    private readonly maxBytes: number,
  ) {}

  async run(source: Readable): Promise<{ bytes: number }> {
    const partBytes = Math.max(MIN_PART_BYTES, Math.ceil(this.maxBytes / MAX_PARTS));
    let gathered: Buffer[] = [];
    let held = 0;
    let bytes = 0;
    try {
      for await (const chunk of source as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > this.maxBytes) throw new FileTooLargeError(this.maxBytes);
        gathered.push(chunk);
        held += chunk.length;
        if (held < partBytes) continue;
        await this.next(Buffer.concat(gathered));
        [gathered, held] = [[], 0];
      }
      if (this.uploadId === undefined) await this.put(Buffer.concat(gathered));
      else {
        if (held > 0) await this.next(Buffer.concat(gathered));
        await this.complete();
      }
      return { bytes };
    } catch (error) {
      source.destroy();
      await this.abandon();
      throw error;
    }
  }

  private async put(Body: Buffer): Promise<void> {
    const { name: Bucket } = this.bucket;
    const input = { Bucket, Key: this.key, Body, ContentMD5: md5(Body) };
    await this.bucket.call(PART_DEADLINE_MS, (client, { PutObjectCommand }, options) =>
      client.send(new PutObjectCommand(input), options),
    );
  }

  private async next(Body: Buffer): Promise<void> {
    const place = { Bucket: this.bucket.name, Key: this.key };
    if (this.uploadId === undefined) {
      const begun = await this.bucket.call(DEADLINE_MS, (client, { CreateMultipartUploadCommand }, options) =>
        client.send(new CreateMultipartUploadCommand(place), options),
      );
      this.uploadId = begun.UploadId ?? '';
      this.begunAt = performance.now();
    }
    await this.sending;
    this.assertInTime();
    const PartNumber = this.parts.length + 1;
    const input = { ...place, UploadId: this.uploadId, PartNumber, Body, ContentMD5: md5(Body) };
    const part = { PartNumber, ETag: '' };
    this.parts.push(part);
    this.sending = this.sendPart(input, part);
    // Its failure is thrown by whoever waits for it next.
    this.sending.catch(() => undefined);
  }

  private async sendPart(input: UploadPartCommandInput, part: { ETag: string }): Promise<void> {
    const { ETag = '' } = await this.bucket.call(PART_DEADLINE_MS, (client, { UploadPartCommand }, options) =>
      client.send(new UploadPartCommand(input), options),
    );
    part.ETag = ETag;
  }

  private async complete(): Promise<void> {
    await this.sending;
    this.assertInTime();
    const place = { Bucket: this.bucket.name, Key: this.key, UploadId: this.uploadId };
    await this.bucket.call(PART_DEADLINE_MS, (client, { CompleteMultipartUploadCommand }, options) =>
      client.send(
        new CompleteMultipartUploadCommand({ ...place, MultipartUpload: { Parts: this.parts } }),
        options,
      ),
    );
  }

  private assertInTime(): void {
    if (performance.now() - this.begunAt > LONGEST_UPLOAD_MS)
      throw new StorageAwayError(this.bucket.name, 'UploadTooSlow');
  }

  /** What cannot be given up now, a sweep removes. */
  private async abandon(): Promise<void> {
    const { uploadId: UploadId } = this;
    if (UploadId === undefined) return;
    await this.sending.catch(() => undefined);
    const input = { Bucket: this.bucket.name, Key: this.key, UploadId };
    await this.bucket
      .call(DEADLINE_MS, (client, { AbortMultipartUploadCommand }, options) =>
        client.send(new AbortMultipartUploadCommand(input), options),
      )
      .catch(() => undefined);
  }
}

function md5(body: Buffer): string {
  return createHash('md5').update(body).digest('base64');
}
