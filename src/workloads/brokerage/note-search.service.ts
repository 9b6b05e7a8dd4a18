import { Injectable } from '@nestjs/common';
import { Embeddings } from '../../integrations/language-model/embeddings';
import { LanguageModelError } from '../../integrations/language-model/language-model-error';
import { NoteStore, type TradeNote } from './note.store';

export interface FoundNote {
  readonly note: TradeNote;
  /** Of the vectors' directions, 0 to 1. */
  readonly similarity: number;
}

export interface NoteSearchWish {
  readonly tenant: string;
  readonly userId: string;
  readonly text: string;
  readonly limit: number;
}

// Below it nothing has to do with each other.
const LEAST_SIMILARITY = 0.05;

/** The model that makes the vectors gave none; nothing of what was searched for is in the message. */
export class NoteSearchUnavailableError extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = 'NoteSearchUnavailableError';
  }
}

/** Finds notes by what they say. Compares with every note of the user, of which there are 5,000 at most. */
@Injectable()
export class NoteSearch {
  constructor(
    private readonly notes: NoteStore,
    private readonly embeddings: Embeddings,
  ) {}

  /** The most similar first. Rejects with {@link NoteSearchUnavailableError} where a model makes the vectors and does not answer. */
  async search({ tenant, userId, text, limit }: NoteSearchWish, signal: AbortSignal): Promise<FoundNote[]> {
    const { vector: asked, provider } = await this.vectorOf(text, tenant, signal);
    const best: { id: string; similarity: number }[] = [];
    for await (const { id, vector } of this.notes.vectors({ tenant, userId }, provider)) {
      signal.throwIfAborted();
      const similarity = similarityOf(asked, vector);
      if (similarity < LEAST_SIMILARITY) continue;
      if (best.length === limit && similarity <= best.at(-1)!.similarity) continue;
      const at = best.findIndex((other) => other.similarity < similarity);
      best.splice(at === -1 ? best.length : at, 0, { id, similarity });
      best.length = Math.min(best.length, limit);
    }
    const notes = new Map(
      (await this.notes.findMany(best.map(({ id }) => id))).map((note) => [note.id, note]),
    );
    return best.flatMap(({ id, similarity }) => {
      const note = notes.get(id);
      return note === undefined ? [] : [{ note, similarity: Math.round(similarity * 10_000) / 10_000 }];
    });
  }

  private async vectorOf(text: string, tenant: string, signal: AbortSignal) {
    try {
      const { vectors, provider } = await this.embeddings.embed([text], { tenant, signal });
      return { vector: vectors[0]!, provider };
    } catch (error) {
      throw error instanceof LanguageModelError ? new NoteSearchUnavailableError(error) : error;
    }
  }
}

/** Both have length 1; those of another number of dimensions are of another model and have nothing in common. */
function similarityOf(one: Float32Array, other: Float32Array): number {
  if (one.length !== other.length) return 0;
  let sum = 0;
  for (let at = 0; at < one.length; at += 1) sum += one[at]! * other[at]!;
  return sum;
}
