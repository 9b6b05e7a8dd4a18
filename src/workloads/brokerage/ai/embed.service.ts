import { Injectable } from '@nestjs/common';
import { Embeddings } from '../../../integrations/language-model/embeddings';
import { LanguageModelError } from '../../../integrations/language-model/language-model-error';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import { embeddedText, NoteStore } from '../note.store';

export interface EmbedResult {
  /** `gone`: the note was deleted. `changed`: it has another text by now, and another job. */
  readonly outcome: 'embedded' | 'unchanged' | 'changed' | 'gone';
  readonly noteId: string;
  /** `embedded`, or the model that made the vector. */
  readonly provider?: string;
  readonly dimensions?: number;
}

/** Makes the vectors of notes. */
@Injectable()
export class EmbedService {
  constructor(
    private readonly notes: NoteStore,
    private readonly embeddings: Embeddings,
  ) {}

  async embed(
    noteId: string,
    call: { readonly tenant: string; readonly jobId: string; readonly signal: AbortSignal },
  ): Promise<EmbedResult> {
    const note = await this.notes.find(noteId, call.tenant);
    if (note === undefined) return { outcome: 'gone', noteId };
    const { provider } = this.embeddings;
    if (note.embeddedVersion === note.version && note.embeddingModel === provider) {
      return { outcome: 'unchanged', noteId, provider };
    }
    const { vectors, dimensions } = await this.ask(embeddedText(note), call);
    call.signal.throwIfAborted();
    const isKept = await this.notes.keepVector(note, { vector: vectors[0]!, provider });
    return { outcome: isKept ? 'embedded' : 'changed', noteId, provider, dimensions };
  }

  private async ask(text: string, call: { tenant: string; jobId: string; signal: AbortSignal }) {
    try {
      return await this.embeddings.embed([text], call);
    } catch (error) {
      const isHopeless = error instanceof LanguageModelError && !error.isRetryable;
      throw isHopeless ? new HopelessJobError(error.message) : error;
    }
  }
}
