import type { ModelUsage } from './charter-extractor';

/** A model that answers in a given form; `LanguageModel` is one. Integrations do not import each other. */
export abstract class StructuredModel {
  /** Undefined where none is configured. */
  abstract readonly model: string | undefined;
  // The form is the caller's, as is the type that goes with it.
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  abstract completeStructured<T>(
    prompt: { readonly system: string; readonly user: string; readonly maxTokens: number },
    schema: { readonly name: string; readonly schema: object },
    call: { readonly tenant: string; readonly jobId?: string; readonly signal: AbortSignal },
  ): Promise<{ readonly value: T; readonly usage: ModelUsage }>;
}
