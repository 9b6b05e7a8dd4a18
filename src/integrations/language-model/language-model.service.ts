import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Settings } from '../../config/settings';
import {
  assertAnswered,
  chatBody,
  chatPart,
  type ChatMessage,
  type ChatPart,
  type ChatQuestion,
} from './chat-protocol';
import { readChatStream } from './chat-stream';
import {
  LanguageModelMissingError,
  ModelAnswerInvalidError,
  ModelRequestError,
} from './language-model-error';
import { ModelEndpoint, isUncharged, type Patience } from './model-endpoint';
import { estimatedTokens, together, type ModelCall, type ModelUsage } from './model-usage';
import { readStructuredAnswer, schemaInWords, type AnswerSchema } from './structured-answer';
import { TokenBudget } from './token-budget.service';

export interface Prompt {
  /** What the model is to do; ours alone. */
  readonly system: string;
  /** What it is to do it with; may be a stranger's. */
  readonly user: string;
  /** Of the answer. */
  readonly maxTokens: number;
  /** 0 by default. */
  readonly temperature?: number;
}

export interface TextAnswer {
  readonly text: string;
  readonly usage: ModelUsage;
}

export interface StructuredAnswer<T> {
  readonly value: T;
  readonly usage: ModelUsage;
}

type Ask = (question: ChatQuestion, patience: Patience) => Promise<ChatPart>;

const MAX_PROMPT_CHARACTERS = 200_000;
// What an endpoint without structured outputs answers to a question that asks for them.
const unsupported: ReadonlySet<number> = new Set([400, 404, 422, 501]);

/**
 * The language model of the settings, at any endpoint that speaks OpenAI's protocol. A call takes LLM_TIMEOUT_MS at
 * most, retries and repair included, reserves what it may use from the budgets before each question, and rejects with a
 * `LanguageModelError`, with `RedisUnavailableError` where nothing can be counted, or with the reason of its signal.
 */
@Injectable()
export class LanguageModel implements OnApplicationShutdown {
  private readonly endpoint?: ModelEndpoint;
  private enforcesSchemas = true;

  constructor(
    private readonly settings: Settings,
    private readonly budget: TokenBudget,
  ) {
    const { LLM_BASE_URL: baseUrl, LLM_API_KEY: key } = settings;
    if (baseUrl !== undefined)
      this.endpoint = new ModelEndpoint({ baseUrl, ...(key !== undefined && { key }) });
  }

  /** The model that answers; undefined without an endpoint or a model for texts. */
  get model(): string | undefined {
    return this.endpoint === undefined ? undefined : this.settings.LLM_MODEL;
  }

  /** A text as an answer. */
  async complete(prompt: Prompt, call: ModelCall): Promise<TextAnswer> {
    return this.answered(prompt, call, this.askAtOnce);
  }

  /** A text as an answer, each piece of it handed on as it comes; what was handed on before an error is not taken back. */
  async stream(prompt: Prompt, call: ModelCall, onText: (text: string) => void): Promise<TextAnswer> {
    return this.answered(prompt, call, (question, patience) =>
      this.askForStream({ ...question, stream: true }, patience, onText),
    );
  }

  /** A value of the schema; an answer that does not fit is sent back once, with what is wrong with it. */
  async completeStructured<T>(
    prompt: Prompt,
    schema: AnswerSchema,
    call: ModelCall,
  ): Promise<StructuredAnswer<T>> {
    const patience = this.patienceOf(call);
    const messages = messagesOf(prompt);
    const first = await this.askWithSchema(prompt, messages, schema, { call, patience });
    const read = readStructuredAnswer<T>(first.text, schema);
    if ('value' in read) return { value: read.value, usage: first.usage };
    const repair: ChatMessage[] = [
      ...messages,
      { role: 'assistant', content: first.text },
      { role: 'user', content: `${read.problem} Answer again with the whole JSON object, corrected.` },
    ];
    const second = await this.askWithSchema(prompt, repair, schema, { call, patience });
    const repaired = readStructuredAnswer<T>(second.text, schema);
    if ('value' in repaired) return { value: repaired.value, usage: together(first.usage, second.usage) };
    throw new ModelAnswerInvalidError(`${repaired.problem.replace(/\.$/, '')}, after a repair as well`);
  }

  onApplicationShutdown(): void {
    this.endpoint?.close();
  }

  private async askWithSchema(
    prompt: Prompt,
    messages: readonly ChatMessage[],
    schema: AnswerSchema,
    { call, patience }: { call: ModelCall; patience: Patience },
  ): Promise<TextAnswer> {
    const { maxTokens, temperature = 0 } = prompt;
    const question = { model: this.assertModel(), messages, maxTokens, temperature };
    if (this.enforcesSchemas) {
      try {
        return await this.counted({ ...question, schema }, call, patience, this.askAtOnce);
      } catch (error) {
        if (!(error instanceof ModelRequestError) || !unsupported.has(error.status)) throw error;
      }
    }
    const [system, ...others] = messages;
    const told = { role: 'system', content: `${system?.content ?? ''}\n\n${schemaInWords(schema)}` } as const;
    const answer = await this.counted(
      { ...question, messages: [told, ...others] },
      call,
      patience,
      this.askAtOnce,
    );
    // The same question without the schema was accepted: it is the schema that this endpoint does not know.
    this.enforcesSchemas = false;
    return answer;
  }

  private answered(prompt: Prompt, call: ModelCall, ask: Ask): Promise<TextAnswer> {
    const { maxTokens, temperature = 0 } = prompt;
    const question = { model: this.assertModel(), messages: messagesOf(prompt), maxTokens, temperature };
    return this.counted(question, call, this.patienceOf(call), ask);
  }

  /** Reserves, asks, settles; what certainly was not charged is given back. */
  private async counted(
    question: ChatQuestion,
    call: ModelCall,
    patience: Patience,
    ask: Ask,
  ): Promise<TextAnswer> {
    const { model, messages, maxTokens, schema } = question;
    const asked = [
      ...messages.map(({ content }) => content),
      schema === undefined ? '' : JSON.stringify(schema),
    ];
    const reserved = { promptTokens: estimatedTokens(...asked), completionTokens: maxTokens };
    const reservation = await this.budget.reserve({ kind: 'text', model, call, counts: reserved });
    let part: ChatPart;
    try {
      part = await ask(question, patience);
    } catch (error) {
      const nothing = { promptTokens: 0, completionTokens: 0 };
      await this.budget.settle(reservation, isUncharged(error) ? nothing : reserved);
      throw error;
    }
    const usage = await this.budget.settle(reservation, part.counts);
    assertAnswered(part, maxTokens);
    return { text: part.text, usage };
  }

  private readonly askAtOnce: Ask = async (question, patience) =>
    chatPart(await this.assertEndpoint().json('/chat/completions', chatBody(question), patience), 'message');

  private async askForStream(
    question: ChatQuestion,
    patience: Patience,
    onText: (text: string) => void,
  ): Promise<ChatPart> {
    const endpoint = this.assertEndpoint();
    const body = await endpoint.stream('/chat/completions', chatBody(question), patience);
    try {
      return await readChatStream(body, onText);
    } catch (error) {
      throw endpoint.errorOf(error);
    } finally {
      body.destroy();
    }
  }

  private patienceOf({ signal }: ModelCall): Patience {
    return { until: performance.now() + this.settings.LLM_TIMEOUT_MS, signal };
  }

  private assertEndpoint(): ModelEndpoint {
    if (this.endpoint !== undefined) return this.endpoint;
    throw new LanguageModelMissingError('There is no language model: set LLM_BASE_URL and LLM_MODEL.');
  }

  private assertModel(): string {
    this.assertEndpoint();
    if (this.settings.LLM_MODEL !== undefined) return this.settings.LLM_MODEL;
    throw new LanguageModelMissingError('There is no model for texts: set LLM_MODEL.');
  }
}

function messagesOf({ system, user }: Prompt): ChatMessage[] {
  if (system.length + user.length > MAX_PROMPT_CHARACTERS) {
    throw new RangeError(
      `A question to the language model may have ${MAX_PROMPT_CHARACTERS} characters at most.`,
    );
  }
  return [
    { role: 'system', content: system },
    { role: 'user', content: user },
  ];
}
