import type { LanguageModelSettings } from './language-model-settings';

/** Settings of the language model that do not go together. */
export function badLanguageModel(settings: LanguageModelSettings): string[] {
  const { LLM_BASE_URL, LLM_API_KEY, LLM_MODEL, LLM_EMBEDDING_MODEL, LLM_COST_PER_DAY } = settings;
  const found: string[] = [];
  const models = [LLM_MODEL, LLM_EMBEDDING_MODEL].filter((name) => name !== undefined);
  if (LLM_BASE_URL === undefined && (LLM_API_KEY !== undefined || models.length > 0)) {
    found.push('LLM_BASE_URL is missing: name the endpoint, such as https://api.openai.com/v1');
  }
  if (LLM_BASE_URL !== undefined && models.length === 0) {
    found.push('LLM_MODEL is missing: name the model to use at LLM_BASE_URL (or LLM_EMBEDDING_MODEL)');
  }
  if (LLM_BASE_URL !== undefined && /[?#]/.test(LLM_BASE_URL)) {
    found.push('LLM_BASE_URL must not hold a query: /chat/completions is added to its end');
  }
  const prices = [
    settings.LLM_PROMPT_PRICE_PER_THOUSAND,
    settings.LLM_COMPLETION_PRICE_PER_THOUSAND,
    settings.LLM_EMBEDDING_PRICE_PER_THOUSAND,
  ];
  if (LLM_COST_PER_DAY > 0 && prices.every((price) => price === 0)) {
    found.push(
      'LLM_COST_PER_DAY needs prices: set LLM_PROMPT_PRICE_PER_THOUSAND and LLM_COMPLETION_PRICE_PER_THOUSAND as well',
    );
  }
  return found;
}
