import { MAX_MESSAGE_CHARACTERS, UnreadableMessageError } from './charter-extractor';

/** A part of a message, by the places of its characters. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const TAKEN = '\u00b7';
const dashes = /[\u2010-\u2015\u2212]/g;
const apostrophes = /[\u2018\u2019\u02bc\u0060\u00b4]/g;
const arrows = /[\u2190-\u21ff\u2794-\u27bf\u00bb]/g;

/** One form for what people type in several: apostrophes, dashes, arrows, spaces; no control characters but line breaks. */
export function plainMessage(message: string): string {
  return message
    .replaceAll(/\r\n?/g, '\n')
    .normalize('NFKC')
    .replaceAll(/[^\P{C}\n]/gu, ' ')
    .replaceAll(/[^\S\n]/g, ' ')
    .replaceAll(dashes, '-')
    .replaceAll(apostrophes, "'")
    .replaceAll(arrows, '>')
    .replaceAll(TAKEN, ' ');
}

/** Throws {@link UnreadableMessageError} for a message that is empty or too long. */
export function assertReadable(message: string): void {
  if (message.length > MAX_MESSAGE_CHARACTERS) {
    throw new UnreadableMessageError(
      `The message has ${message.length} characters; ${MAX_MESSAGE_CHARACTERS} are read at most. Shorten it.`,
    );
  }
  if (message.trim() === '')
    throw new UnreadableMessageError('The message is empty: say from where to where, and when.');
}

/** A message of which each reader takes what it understands, so that no other reads it again. */
export class MessageText {
  private left: string;

  constructor(readonly whole: string) {
    this.left = whole;
  }

  /** What nobody has taken yet, with a dot in the place of each character that was. */
  get rest(): string {
    return this.left;
  }

  take({ start, end }: Span): void {
    this.left = `${this.left.slice(0, start)}${TAKEN.repeat(end - start)}${this.left.slice(end)}`;
  }

  /** Does something while the matches of a pattern look as if they were taken. */
  hiding<T>(pattern: RegExp, read: () => T): T {
    const before = this.left;
    const spans = [...before.matchAll(pattern)].map(({ index, 0: found }) => ({
      start: index,
      end: index + found.length,
    }));
    for (const span of spans) this.take(span);
    try {
      return read();
    } finally {
      for (const { start, end } of spans) {
        this.left = `${this.left.slice(0, start)}${before.slice(start, end)}${this.left.slice(end)}`;
      }
    }
  }

  /** All matches of a pattern with the flag `g` in what is left. */
  *matches(pattern: RegExp): Generator<RegExpExecArray & { span: Span }> {
    for (const match of this.left.matchAll(pattern)) {
      const span = { start: match.index, end: match.index + match[0].length };
      yield Object.assign(match, { span });
    }
  }
}
