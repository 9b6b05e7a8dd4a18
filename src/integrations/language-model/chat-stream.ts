import { createParser } from 'eventsource-parser';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { chatPart, type ChatPart } from './chat-protocol';
import { ModelAnswerInvalidError, ModelStreamCutError } from './language-model-error';

// A chunk of an answer is a few hundred characters.
const MAX_EVENT_CHARACTERS = 262_144;

/**
 * Reads a streamed answer to its `[DONE]`, handing on each piece of its text. Rejects with
 * {@link ModelStreamCutError} where it ends before, and with the errors of the body.
 */
export async function readChatStream(body: Readable, onText: (text: string) => void): Promise<ChatPart> {
  const answer = new StreamedAnswer(onText);
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARACTERS,
    onEvent: ({ data }) => answer.take(data),
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded') answer.fail('one event of its stream is too large');
    },
  });
  const decoder = new StringDecoder('utf8');
  for await (const chunk of body) {
    parser.feed(decoder.write(chunk as Buffer));
    if (answer.isDone) break;
  }
  return answer.whole();
}

class StreamedAnswer {
  isDone = false;
  private readonly texts: string[] = [];
  private last: Omit<ChatPart, 'text'> = { isRefusal: false };

  constructor(private readonly onText: (text: string) => void) {}

  take(data: string): void {
    if (this.isDone) return;
    if (data === '[DONE]') {
      this.isDone = true;
      return;
    }
    const { text, isRefusal, ...rest } = chatPart(parsed(data), 'delta');
    this.last = { ...this.last, ...rest, isRefusal: this.last.isRefusal || isRefusal };
    if (text === '') return;
    this.texts.push(text);
    this.onText(text);
  }

  fail(what: string): never {
    throw new ModelAnswerInvalidError(what);
  }

  /** Some endpoints leave out `[DONE]`, but none the reason why an answer ends. */
  whole(): ChatPart {
    if (!this.isDone && this.last.finishReason === undefined) throw new ModelStreamCutError();
    return { ...this.last, text: this.texts.join('') };
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    throw new ModelAnswerInvalidError('an event of its stream is not JSON');
  }
}
