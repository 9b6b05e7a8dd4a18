/** A model that gave nothing usable. Messages hold neither the key, nor what was asked, nor what was answered. */
export abstract class LanguageModelError extends Error {
  /** Whether the same question may be answered later. */
  readonly isRetryable: boolean;
  /** How long to wait at least, where somebody has said so. */
  readonly retryAfterMs?: number;

  constructor(
    message: string,
    { isRetryable = false, retryAfterMs }: { isRetryable?: boolean; retryAfterMs?: number } = {},
  ) {
    super(message);
    this.name = new.target.name;
    this.isRetryable = isRetryable;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
  }
}

/** The settings name no endpoint, or no model for this. */
export class LanguageModelMissingError extends LanguageModelError {}

/** The endpoint is away, overloaded or too slow; what could be waited for within the time of the call was waited for. */
export class ModelUnavailableError extends LanguageModelError {
  /** Whether the endpoint certainly did no work, so that it cannot charge for any. */
  readonly isUnanswered: boolean;

  constructor(
    what: string,
    { retryAfterMs, isUnanswered = false }: { retryAfterMs?: number; isUnanswered?: boolean } = {},
  ) {
    super(`The language model is not available: ${what}`, {
      isRetryable: true,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
    this.isUnanswered = isUnanswered;
  }
}

/** The endpoint does not accept the request, such as for a wrong key or an unknown model. */
export class ModelRequestError extends LanguageModelError {
  constructor(
    origin: string,
    readonly status: number,
  ) {
    const hint = hints[status] ?? 'the request, or the length of what was asked, does not suit this model';
    super(`${origin} does not accept the request (${status}): ${hint}.`);
  }
}

/** The model will not answer this. */
export class ModelRefusedError extends LanguageModelError {
  constructor() {
    super('The language model refuses to answer.');
  }
}

/** The answer reached its most tokens and ends in the middle. */
export class ModelAnswerCutError extends LanguageModelError {
  constructor(readonly maxTokens: number) {
    super(`The answer of the language model is longer than ${maxTokens} tokens and was cut off.`);
  }
}

/** The stream of an answer ended before the answer did. */
export class ModelStreamCutError extends LanguageModelError {
  constructor() {
    super('The stream of the language model broke off in the middle of its answer.', { isRetryable: true });
  }
}

/** What came is not what was asked for, in the repaired answer as well where there was one. */
export class ModelAnswerInvalidError extends LanguageModelError {
  constructor(what: string, { isRetryable = true } = {}) {
    super(`The answer of the language model cannot be used: ${what}.`, { isRetryable });
  }
}

export type BudgetScope = 'tokens of the job' | 'tokens of the day' | 'costs of the day';

/** Nothing was sent, because what it may use at most no longer fits into a budget. */
export class ModelBudgetError extends LanguageModelError {
  constructor(
    readonly scope: BudgetScope,
    retryAfterMs?: number,
  ) {
    const setting = settingOf[scope];
    super(
      `The ${scope} that ${setting} allows do not suffice for a further question to the language model.`,
      {
        isRetryable: retryAfterMs !== undefined,
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      },
    );
  }
}

const hints: Readonly<Record<number, string>> = {
  401: 'check LLM_API_KEY',
  402: 'the account has no credit left',
  403: 'LLM_API_KEY may not use this model',
  404: 'check LLM_BASE_URL and the name of the model',
  413: 'what was asked is too long',
};

const settingOf: Readonly<Record<BudgetScope, string>> = {
  'tokens of the job': 'LLM_TOKENS_PER_JOB',
  'tokens of the day': 'LLM_TOKENS_PER_DAY',
  'costs of the day': 'LLM_COST_PER_DAY',
};
