import { IsIn, IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { wholeNumber, yesOrNo } from './setting-types';
import { StorageSettings } from './storage-settings';

/** Where Redis is, and what of it may be used. */
export class RedisSettings extends StorageSettings {
  @IsOptional()
  @Matches(/^rediss?:\/\/.+/, { message: 'REDIS_URL must begin with redis:// or rediss://' })
  REDIS_URL?: string;

  @IsOptional()
  @IsString()
  REDIS_HOST?: string;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(65_535)
  REDIS_PORT = 6379;

  @IsOptional()
  @IsString()
  REDIS_USERNAME?: string;

  @IsOptional()
  @IsString()
  REDIS_PASSWORD?: string;

  @wholeNumber
  @IsInt()
  @Min(0)
  @Max(1023)
  REDIS_DB = 0;

  @yesOrNo
  @IsIn([true, false], { message: 'REDIS_TLS must be true or false' })
  REDIS_TLS = false;

  @IsOptional()
  @Matches(/^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$/, { message: 'REDIS_SENTINELS must be host:port,host:port' })
  REDIS_SENTINELS?: string;

  @IsString()
  REDIS_SENTINEL_NAME = 'mymaster';

  @IsOptional()
  @IsString()
  REDIS_SENTINEL_PASSWORD?: string;

  @IsOptional()
  @Matches(/^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$/, { message: 'REDIS_CLUSTER_NODES must be host:port,host:port' })
  REDIS_CLUSTER_NODES?: string;

  @Matches(/^[A-Za-z0-9_-]{1,40}$/, {
    message: 'REDIS_PREFIX must be 1 to 40 letters, digits, dashes or underscores',
  })
  REDIS_PREFIX = 'bull';

  @IsOptional()
  @wholeNumber
  @IsInt()
  @Min(1_048_576)
  @Max(1_099_511_627_776)
  REDIS_MEMORY_BYTES?: number;

  @yesOrNo
  @IsIn([true, false], { message: 'ACCEPT_LOSS must be true or false' })
  ACCEPT_LOSS = false;

  get hasRedis(): boolean {
    return [this.REDIS_URL, this.REDIS_HOST, this.REDIS_SENTINELS, this.REDIS_CLUSTER_NODES].some(
      (value) => value !== undefined,
    );
  }
}
