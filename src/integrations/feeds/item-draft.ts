import type { FeedEnclosure, FeedPerson, FeedText, MappedValue } from './feed-item';

/** An item as its format says it, before addresses, dates and sizes are looked at. */
export interface ItemDraft {
  guid?: string;
  /** Whether the guid may stand in for a missing link. */
  isGuidLink?: boolean;
  title?: string;
  link?: string;
  /** Where the item's relative addresses start, when it says so itself. */
  base?: string;
  summary?: FeedText;
  content?: FeedText;
  publishedAt?: string | number;
  updatedAt?: string | number;
  authors: FeedPerson[];
  categories: string[];
  enclosures: FeedEnclosure[];
  fields?: Record<string, MappedValue>;
}

export function emptyDraft(): ItemDraft {
  return { authors: [], categories: [], enclosures: [] };
}
