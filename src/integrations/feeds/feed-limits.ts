/** How much of a document is read; whatever is larger is refused, by itself where it is one item. */
export interface FeedLimits {
  /** Of the document, decompressed. */
  readonly maxBytes: number;
  readonly maxItems: number;
  /** Of one item as it stands in the document, markup included, in UTF-16 units. */
  readonly maxItemCharacters: number;
  /** Elements in elements, or values in values. */
  readonly maxDepth: number;
  /** Of one element. */
  readonly maxAttributes: number;
}

export const feedLimits: FeedLimits = {
  maxBytes: 256 * 1024 * 1024,
  maxItems: 200_000,
  maxItemCharacters: 1024 * 1024,
  maxDepth: 100,
  maxAttributes: 100,
};
