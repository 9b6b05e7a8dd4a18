/** Whose value is asked for, and under which name. */
export interface CacheRequest {
  readonly tenant: string;
  /** The caller's word: check it before it becomes part of a query. */
  readonly key: string;
  /** Fires when nobody waits any more, or after the source's deadline. */
  readonly signal: AbortSignal;
}

export const DEFAULT_DEADLINE_MS = 10_000;
/** Waiting for another process and computing then take twice this at most, which fits into a CACHE_WARM job. */
export const MAX_DEADLINE_MS = 12_000;

/**
 * What a cached value comes from. Each provider that extends this class is found by itself, in whatever module it
 * stands. Names are at rest in payloads: whoever takes one away breaks the jobs that name it.
 */
export abstract class CacheSource {
  /** Lower-case words with dashes. */
  abstract readonly name: string;
  abstract readonly description: string;
  /** How long it may take; at most {@link MAX_DEADLINE_MS}. */
  readonly deadlineMs: number = DEFAULT_DEADLINE_MS;
  /** For how long a value may be handed out after it was fresh, while it is computed anew; as long as it was fresh unless said. */
  readonly staleMs?: number;

  /** The value, as JSON can hold it. It must not depend on who asks, but for the tenant. */
  abstract load(request: CacheRequest): Promise<unknown>;
}
