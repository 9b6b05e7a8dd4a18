import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { LanguageModelSettings } from './language-model-settings';
import { bucketAddress, type BucketAddress } from './storage-address';

/** The bucket of the settings, and the keys to it where they are not found elsewhere. */
export interface BucketAccess extends BucketAddress {
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
}

/** Where files lie: on the disk, or in a bucket. */
export class StorageSettings extends LanguageModelSettings {
  @IsOptional()
  @MaxLength(1_000)
  @Matches(/^s3:\/\//, {
    message: 'STORAGE_URL must begin with s3://; without it files lie in HOLDFAST_HOME',
  })
  STORAGE_URL?: string;

  @IsOptional()
  @IsString()
  @MaxLength(200)
  AWS_ACCESS_KEY_ID?: string;

  @IsOptional()
  @IsString()
  @MaxLength(500)
  AWS_SECRET_ACCESS_KEY?: string;

  @IsOptional()
  @IsString()
  @MaxLength(10_000)
  AWS_SESSION_TOKEN?: string;

  /** Undefined where files lie on the disk. */
  get bucket(): BucketAccess | undefined {
    const address = this.STORAGE_URL === undefined ? undefined : bucketAddress(this.STORAGE_URL);
    if (address === undefined || typeof address === 'string') return undefined;
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = this;
    if (AWS_ACCESS_KEY_ID === undefined || AWS_SECRET_ACCESS_KEY === undefined) return address;
    const credentials = {
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      ...(AWS_SESSION_TOKEN !== undefined && { sessionToken: AWS_SESSION_TOKEN }),
    };
    return { ...address, credentials };
  }
}
