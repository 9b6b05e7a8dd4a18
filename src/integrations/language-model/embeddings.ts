import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Settings } from '../../config/settings';
import { featureHashVector, MAX_EMBEDDED_CHARACTERS, unitLength } from './feature-hash';
import { ModelAnswerInvalidError } from './language-model-error';
import { isUncharged, ModelEndpoint, type Patience } from './model-endpoint';
import { estimatedTokens, reportedTokens, type ModelCall, type ModelUsage } from './model-usage';
import { TokenBudget } from './token-budget.service';

export interface EmbeddedTexts {
  /** Of length 1, in the order of the texts; all of the same number of dimensions. */
  readonly vectors: readonly Float32Array[];
  readonly dimensions: number;
  /** `embedded`, or the model that made them: vectors of different providers cannot be compared. */
  readonly provider: string;
  readonly usage: ModelUsage | null;
}

export const MAX_TEXTS = 256;
const MAX_DIMENSIONS = 16_384;

/** Texts as vectors: of LLM_EMBEDDING_MODEL where the settings name one, else of hashed words and letters. */
@Injectable()
export class Embeddings implements OnApplicationShutdown {
  private readonly endpoint?: ModelEndpoint;

  constructor(
    private readonly settings: Settings,
    private readonly budget: TokenBudget,
  ) {
    const { LLM_BASE_URL: baseUrl, LLM_API_KEY: key, LLM_EMBEDDING_MODEL: model } = settings;
    if (baseUrl === undefined || model === undefined) return;
    this.endpoint = new ModelEndpoint({ baseUrl, ...(key !== undefined && { key }) });
  }

  /** The name under which vectors are to be kept. */
  get provider(): string {
    return (this.endpoint && this.settings.LLM_EMBEDDING_MODEL) ?? 'embedded';
  }

  /**
   * At most 256 texts, of which 20,000 characters are read. Rejects as `LanguageModel` does; a model that fails is not
   * replaced by hashes, with which its vectors could not be compared.
   */
  async embed(texts: readonly string[], call: ModelCall): Promise<EmbeddedTexts> {
    if (texts.length > MAX_TEXTS) throw new RangeError(`At most ${MAX_TEXTS} texts are embedded at a time.`);
    call.signal.throwIfAborted();
    const read = texts.map((text) => text.slice(0, MAX_EMBEDDED_CHARACTERS));
    if (this.endpoint !== undefined && texts.length > 0) return this.askModel(this.endpoint, read, call);
    const vectors = read.map(featureHashVector);
    return { vectors, dimensions: vectors[0]?.length ?? 0, provider: this.provider, usage: null };
  }

  onApplicationShutdown(): void {
    this.endpoint?.close();
  }

  private async askModel(
    endpoint: ModelEndpoint,
    texts: readonly string[],
    call: ModelCall,
  ): Promise<EmbeddedTexts> {
    const model = this.provider;
    const patience: Patience = {
      until: performance.now() + this.settings.LLM_TIMEOUT_MS,
      signal: call.signal,
    };
    const counts = { promptTokens: estimatedTokens(...texts), completionTokens: 0 };
    const reservation = await this.budget.reserve({ kind: 'embedding', model, call, counts });
    let answer: unknown;
    try {
      // Some endpoints refuse an empty text.
      const input = texts.map((text) => (text.trim() === '' ? ' ' : text));
      answer = await endpoint.json(
        '/embeddings',
        JSON.stringify({ model, input, encoding_format: 'float' }),
        patience,
      );
    } catch (error) {
      const isFree = isUncharged(error);
      await this.budget.settle(reservation, isFree ? { promptTokens: 0, completionTokens: 0 } : counts);
      throw error;
    }
    const { data, usage: reported } = (answer ?? {}) as { data?: unknown; usage?: unknown };
    const usage = await this.budget.settle(reservation, reportedTokens(reported));
    const vectors = vectorsOf(data, texts.length);
    return { vectors, dimensions: vectors[0]?.length ?? 0, provider: model, usage };
  }
}

/** The vectors of an answer in the order of what was asked. Throws {@link ModelAnswerInvalidError}. */
function vectorsOf(data: unknown, expected: number): Float32Array[] {
  const wrong = (what: string) => new ModelAnswerInvalidError(what);
  if (!Array.isArray(data) || data.length !== expected) throw wrong('it has not one vector for each text');
  const vectors: (Float32Array | undefined)[] = Array.from({ length: expected });
  let dimensions: number | undefined;
  for (const [at, item] of data.entries()) {
    const { index = at, embedding } = (item ?? {}) as { index?: number; embedding?: unknown };
    if (!Number.isInteger(index) || index < 0 || index >= expected || vectors[index] !== undefined) {
      throw wrong('its vectors are not numbered as the texts');
    }
    if (!isVector(embedding)) throw wrong('a vector of it is none');
    dimensions ??= embedding.length;
    if (embedding.length !== dimensions) throw wrong('its vectors are not of one length');
    vectors[index] = unitLength(Float32Array.from(embedding));
  }
  return vectors as Float32Array[];
}

function isVector(value: unknown): value is number[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= MAX_DIMENSIONS &&
    value.every((number) => typeof number === 'number' && Number.isFinite(number))
  );
}
