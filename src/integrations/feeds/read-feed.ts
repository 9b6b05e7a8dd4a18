import type { FeedEvent } from './feed-event';
import type { FeedLimits } from './feed-limits';
import type { JsonMappingDto } from './json-mapping.dto';

export interface FeedHints {
  /** The whole header, parameters included. */
  readonly contentType?: string;
  /** Where the document came from: relative links start there. */
  readonly url?: string;
  /** Where a JSON document that is no JSON Feed keeps its items; without it only feeds are read. */
  readonly mapping?: JsonMappingDto;
  readonly limits?: Partial<FeedLimits>;
  /** Ends the reading, which then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Reads a feed as it arrives: no more of it is in memory than one item and one chunk. Throws only what `bytes` throws
 * and the signal's reason; whatever is wrong with the document is an event.
 */
export type ReadFeed = (bytes: AsyncIterable<Uint8Array>, hints: FeedHints) => AsyncGenerator<FeedEvent>;
