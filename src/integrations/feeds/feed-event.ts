import type { FeedItem } from './feed-item';

export type FeedFormat =
  | 'rss-0.90'
  | 'rss-0.91'
  | 'rss-0.92'
  | 'rss-1.0'
  | 'rss-2.0'
  | 'atom-0.3'
  | 'atom-1.0'
  | 'json-feed-1.0'
  | 'json-feed-1.1'
  | 'mapped-json';

/** What the document said of itself before its first item. */
export interface FeedInfo {
  readonly format: FeedFormat;
  readonly title: string | null;
  readonly description: string | null;
  readonly language: string | null;
  /** The site that the feed belongs to; absolute, http or https. */
  readonly link: string | null;
  /** The encoding that was used to read the document, by its WHATWG name. */
  readonly encoding: string;
}

/** Why one item was left out; the rest goes on. */
export type RejectionReason = 'item_too_large' | 'item_too_deep' | 'item_empty' | 'item_not_an_object';

/** Why a document ends before its time; what came before it is good. */
export type BreakReason =
  | 'document_empty'
  | 'document_is_html'
  | 'document_not_a_feed'
  | 'document_too_large'
  | 'document_truncated'
  | 'entities_declared'
  | 'json_malformed'
  | 'mapping_missing'
  | 'mapped_list_missing'
  | 'token_too_large'
  | 'too_deep'
  | 'too_many_attributes'
  | 'too_many_items'
  | 'too_many_pages'
  | 'xml_malformed';

/**
 * `feed` comes once and first (a document that breaks before it is known to be a feed has none); `end` or `broken` comes
 * once and last, over all pages.
 */
export type FeedEvent =
  | ({ readonly kind: 'feed' } & FeedInfo)
  | { readonly kind: 'item'; readonly item: FeedItem }
  | {
      readonly kind: 'rejected';
      readonly position: number;
      readonly reason: RejectionReason;
      readonly detail: string;
    }
  | { readonly kind: 'broken'; readonly reason: BreakReason; readonly detail: string }
  | {
      readonly kind: 'end';
      readonly items: number;
      readonly rejected: number;
      /** Where the document says that it goes on: Atom's `rel=next`, JSON Feed's `next_url`, the mapping's cursor. */
      readonly next: string | null;
    };
