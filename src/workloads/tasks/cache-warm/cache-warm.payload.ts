import { IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';

/** Document 004 gives this name. */
export const CACHE_WARM = 'CACHE_WARM';

const DAY_S = 86_400;

/** Payload of `CACHE_WARM`, with the fields of document 004. */
export class CacheWarmPayload {
  /** The name under which readers ask for the value; each source and tenant has names of its own. */
  @IsString()
  @Length(1, 200)
  cacheKey!: string;

  /** What computes the value: `queue-stats`, `dead-letter-groups`, and what the application adds. */
  @IsString()
  @Length(1, 100)
  dataSource!: string;

  /** How long the value is fresh, in seconds; five minutes unless said. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(DAY_S)
  ttl?: number;
}
