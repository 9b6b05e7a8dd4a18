import type { FeedEvent } from './feed-event';
import type { FeedLimits } from './feed-limits';
import type { FeedPagingDto } from './feed-paging.dto';
import type { JsonMappingDto } from './json-mapping.dto';

/** What to fetch, and what is known of it from the last time. */
export interface FeedSource {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** As the last answer gave them; sent as `If-None-Match` and `If-Modified-Since`. */
  readonly etag?: string | null;
  readonly lastModified?: string | null;
  readonly mapping?: JsonMappingDto;
  readonly paging?: FeedPagingDto;
  readonly limits?: Partial<FeedLimits>;
  /** Of all pages together, from the call to the last event; 300,000 by default. */
  readonly timeoutMs?: number;
  /** For the next byte to come, while somebody waits for it; 30,000 by default. */
  readonly idleTimeoutMs?: number;
}

export interface OpenFeed {
  readonly kind: 'feed';
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** Where the answer came from, after all redirects. */
  readonly finalUrl: string;
  /**
   * Can be read once; whoever stops before the end breaks out of the loop, which closes the connection. Throws
   * `FeedUnavailableError`, and the reason of the caller's signal.
   */
  readonly events: AsyncIterable<FeedEvent>;
  /** Decompressed bytes read so far, all pages together. */
  bytes(): number;
  /** Pages opened so far. */
  pages(): number;
}

export type FeedAnswer = { readonly kind: 'not_modified' } | OpenFeed;
