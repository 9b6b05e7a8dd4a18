export interface CatalogueEntry {
  readonly status: number;
  readonly title: string;
  /** What the caller can do about it. */
  readonly advice: string;
  /** Whether the same request may succeed later without a change. */
  readonly retryable?: true;
  readonly retryAfterSeconds?: number;
}
