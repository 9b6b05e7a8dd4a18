import { IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { feedQueueName } from './feed-queue-name';
import { wholeNumber } from './setting-types';

/** The settings of feeds: how they are fetched, and how their items are stored; names as in document 003. */
export class FeedSettings {
  @Matches(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, {
    message:
      'BULL_QUEUE_NAME must be 1 to 63 letters, digits, dashes or underscores, beginning with a letter',
  })
  BULL_QUEUE_NAME = feedQueueName;

  @IsOptional()
  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(10_000)
  WORKER_CONCURRENCY?: number;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(1_000)
  WORKER_BATCH_SIZE = 100;

  // An attempt has 30 s, and the batch needs some of them.
  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(20_000)
  WORKER_FLUSH_MS = 3_000;

  @IsOptional()
  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  WORKER_RATE_LIMIT_MAX?: number;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(86_400_000)
  WORKER_RATE_LIMIT_DURATION_MS = 1_000;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(100)
  FEED_FETCH_CONCURRENCY = 4;

  // An import of all sources takes up to a thousand.
  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(100_000)
  FEED_SOURCES_PER_TENANT = 1_000;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(3_650)
  IMPORT_RETENTION_DAYS = 30;
}
