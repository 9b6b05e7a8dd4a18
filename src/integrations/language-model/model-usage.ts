/** What exchanges with a model took, as the endpoint reports it, or as it was estimated where it reports nothing. */
export interface ModelUsage {
  readonly model: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  /** In the currency of the prices in the settings; 0 without prices. */
  readonly cost: number;
  /** Exchanges, repairs and retries included. */
  readonly calls: number;
}

/** Whose budgets are charged, and what ends the call. */
export interface ModelCall {
  readonly tenant: string;
  readonly jobId?: string;
  readonly signal: AbortSignal;
}

export interface TokenCounts {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

// No answer has more; an endpoint that says so is not to be believed.
const MOST_TOKENS = 100_000_000;
// Twice what English takes, and enough for most other languages.
const BYTES_PER_TOKEN = 2;
const TOKENS_AROUND_A_QUESTION = 64;

/** Tokens that a text will hardly exceed. */
export function estimatedTokens(...texts: readonly string[]): number {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return Math.ceil(bytes / BYTES_PER_TOKEN) + TOKENS_AROUND_A_QUESTION;
}

/** What an answer says it took; undefined unless it says so in whole numbers. */
export function reportedTokens(usage: unknown): TokenCounts | undefined {
  if (typeof usage !== 'object' || usage === null) return undefined;
  const { prompt_tokens: prompt, completion_tokens: completion = 0 } = usage as Record<string, unknown>;
  return isCount(prompt) && isCount(completion)
    ? { promptTokens: prompt, completionTokens: completion }
    : undefined;
}

/** The usage of two exchanges with the same model. */
export function together(one: ModelUsage | undefined, other: ModelUsage): ModelUsage {
  if (one === undefined) return other;
  return {
    model: other.model,
    promptTokens: one.promptTokens + other.promptTokens,
    completionTokens: one.completionTokens + other.completionTokens,
    totalTokens: one.totalTokens + other.totalTokens,
    cost: Math.round((one.cost + other.cost) * 1e6) / 1e6,
    calls: one.calls + other.calls,
  };
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MOST_TOKENS;
}
