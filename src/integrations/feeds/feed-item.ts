/** Plain text, or HTML as its author wrote it: it is not cleaned, so whoever shows it does that. */
export interface FeedText {
  readonly type: 'text' | 'html';
  readonly value: string;
}

export interface FeedPerson {
  readonly name: string | null;
  readonly email: string | null;
  readonly url: string | null;
}

export interface FeedEnclosure {
  readonly url: string;
  readonly type: string | null;
  readonly lengthBytes: number | null;
}

/** What the item's id is: what the feed calls one, else the item's link, else a hash of its content. */
export type GuidSource = 'guid' | 'link' | 'content';

/** What was left out or cut in an item that is taken all the same. */
export type ItemNote =
  | 'published_at_unreadable'
  | 'updated_at_unreadable'
  | 'link_refused'
  | 'enclosure_refused'
  | 'text_cut'
  | 'list_cut';

/** What the mapping's `fields` found, in the order of the mapping. */
export type MappedValue = string | number | boolean | null | readonly (string | number | boolean | null)[];

/** One entry of a feed, whatever the format. Texts hold neither U+0000 nor half characters. */
export interface FeedItem {
  /** 1 for the first item offered, rejected ones counted, over all pages. */
  readonly position: number;
  /** At most 2,048 characters; a longer one is replaced by `sha256:` and its hash. */
  readonly guid: string;
  readonly guidFrom: GuidSource;
  readonly title: string | null;
  /** Absolute, http or https. */
  readonly link: string | null;
  readonly summary: FeedText | null;
  readonly content: FeedText | null;
  readonly authors: readonly FeedPerson[];
  readonly categories: readonly string[];
  /** ISO 8601 in UTC, with milliseconds. */
  readonly publishedAt: string | null;
  readonly updatedAt: string | null;
  readonly enclosures: readonly FeedEnclosure[];
  /** Empty without a mapping. */
  readonly fields: Readonly<Record<string, MappedValue>>;
  readonly notes: readonly ItemNote[];
  /** SHA-256, in hex, of all that the feed says of the item, its position and notes aside: equal means unchanged. */
  readonly fingerprint: string;
}
