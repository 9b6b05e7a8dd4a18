import type { ModelUsage } from './charter-extractor';

/** A model that answers in a given form; `LanguageModel` is one. Integrations do not import each other. */
export abstract class StructuredModel {
  /** Undefined where none is configured. */
  abstract readonly model: string | undefined;
  abstract completeStructured<T>(
    prompt: { readonly system: string; readonly user: string; readonly maxTokens: number },
    schema: { readonly name: string; readonly schema: object },
    call: { readonly tenant: string; readonly jobId?: string; readonly signal: AbortSignal },
  ): Promise<{ readonly value: T; readonly usage: ModelUsage }>;
}
