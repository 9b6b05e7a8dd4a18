import { ModelAnswerCutError, ModelAnswerInvalidError, ModelRefusedError } from './language-model-error';
import { reportedTokens, type TokenCounts } from './model-usage';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ChatQuestion {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly schema?: { readonly name: string; readonly schema: object };
  readonly stream?: boolean;
}

/** What one answer, or one event of a streamed answer, says. */
export interface ChatPart {
  readonly text: string;
  readonly finishReason?: string;
  readonly isRefusal: boolean;
  readonly counts?: TokenCounts;
}

/** The body of `POST /chat/completions`. */
export function chatBody({ model, messages, maxTokens, temperature, schema, stream }: ChatQuestion): string {
  return JSON.stringify({
    model,
    messages,
    max_tokens: maxTokens,
    temperature,
    ...(schema !== undefined && {
      response_format: { type: 'json_schema', json_schema: { ...schema, strict: true } },
    }),
    ...(stream === true && { stream: true, stream_options: { include_usage: true } }),
  });
}

/** Reads an answer or an event; throws {@link ModelAnswerInvalidError} for what is neither. */
export function chatPart(body: unknown, kind: 'message' | 'delta'): ChatPart {
  const { choices, usage, error } = object(body);
  if (error !== undefined && error !== null) {
    throw new ModelAnswerInvalidError('it is an error in the shape of an answer');
  }
  const counts = reportedTokens(usage);
  const told = counts === undefined ? {} : { counts };
  if (!Array.isArray(choices)) throw new ModelAnswerInvalidError('it holds no choices');
  // The last event of a stream holds the usage and no choice.
  if (choices.length === 0 && kind === 'delta') return { text: '', isRefusal: false, ...told };
  const choice = object(choices[0]);
  const message = object(choice[kind]);
  const { content, refusal } = message;
  if (content !== undefined && content !== null && typeof content !== 'string') {
    throw new ModelAnswerInvalidError('its content is no text');
  }
  const { finish_reason: finishReason } = choice;
  return {
    text: content ?? '',
    isRefusal: (typeof refusal === 'string' && refusal !== '') || finishReason === 'content_filter',
    ...(typeof finishReason === 'string' && { finishReason }),
    ...told,
  };
}

/** Throws for an answer that is refused, cut off or empty. */
export function assertAnswered({ text, finishReason, isRefusal }: ChatPart, maxTokens: number): void {
  if (isRefusal) throw new ModelRefusedError();
  if (finishReason === 'length') throw new ModelAnswerCutError(maxTokens);
  if (text.trim() === '') throw new ModelAnswerInvalidError('it is empty');
}

function object(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new ModelAnswerInvalidError('it is not in the form of the protocol');
}
