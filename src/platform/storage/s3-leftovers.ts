import type { ListMultipartUploadsCommandInput, MultipartUpload } from '@aws-sdk/client-s3';
import { isAbsent, type S3Bucket } from './s3-client';
import { LONGEST_UPLOAD_MS } from './s3-upload';

const DEADLINE_MS = 30_000;
// Half a day more than any upload takes: the clock of the store may be another.
const AGE_MS = LONGEST_UPLOAD_MS + 43_200_000;
// Of 1,000 uploads each. A store that knows no markers would send the first page for ever.
const MAX_PAGES = 10;
const MAX_GIVEN_UP = 1_000;

/** A multipart upload that nobody goes on with. */
export interface Leftover {
  readonly Key: string;
  readonly UploadId: string;
}

/** Finds multipart uploads whose process is gone, and gives them up: their parts lie in no list of files and cost room. */
export class S3Leftovers {
  constructor(private readonly bucket: S3Bucket) {}

  /** Those below a prefix, at most 1,000; resolves with their number. Throws StorageAwayError. */
  async giveUp(prefix: string, now = Date.now()): Promise<number> {
    const old = await this.begunBefore(prefix, now - AGE_MS);
    for (const upload of old) await this.abort(upload);
    return old.length;
  }

  private async begunBefore(prefix: string, latest: number): Promise<Leftover[]> {
    const old: Leftover[] = [];
    let markers: Pick<ListMultipartUploadsCommandInput, 'KeyMarker' | 'UploadIdMarker'> = {};
    for (let page = 0; page < MAX_PAGES && old.length < MAX_GIVEN_UP; page += 1) {
      const input = { Bucket: this.bucket.name, Prefix: prefix, ...markers };
      const found = await this.bucket.call(DEADLINE_MS, (client, { ListMultipartUploadsCommand }, options) =>
        client.send(new ListMultipartUploadsCommand(input), options),
      );
      for (const upload of found.Uploads ?? []) if (isOld(upload, prefix, latest)) old.push(upload);
      const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = found;
      if (IsTruncated !== true || KeyMarker === undefined) break;
      markers = { KeyMarker, UploadIdMarker };
    }
    return old.slice(0, MAX_GIVEN_UP);
  }

  /** One that another process has given up meanwhile is no error. */
  private async abort({ Key, UploadId }: Leftover): Promise<void> {
    const input = { Bucket: this.bucket.name, Key, UploadId };
    await this.bucket.call(DEADLINE_MS, async (client, { AbortMultipartUploadCommand }, options) => {
      try {
        await client.send(new AbortMultipartUploadCommand(input), options);
      } catch (error) {
        if (!isAbsent(error)) throw error;
      }
    });
  }
}

/** Some stores know no prefix and list the uploads of others, too. */
function isOld(
  upload: MultipartUpload,
  prefix: string,
  latest: number,
): upload is MultipartUpload & Leftover {
  const { Key, UploadId, Initiated } = upload;
  const isOurs = Key?.startsWith(prefix) === true && UploadId !== undefined;
  return isOurs && Initiated !== undefined && Initiated.getTime() < latest;
}
