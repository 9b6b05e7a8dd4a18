/** How old a reading may be, and how long anybody waits for a new one. */
export interface ReadingTerms {
  readonly minAgeMs: number;
  readonly deadlineMs: number;
}

/** Something that is costly to read, read once for all who ask at about the same time. */
export class SharedReading<T> {
  private newest?: { readonly value: T; readonly at: number };
  private reading?: Promise<void>;

  constructor(
    private readonly ask: () => Promise<T>,
    private readonly terms: ReadingTerms,
  ) {}

  /**
   * The newest reading, at most `minAgeMs` old. Resolves undefined when there is none within `deadlineMs`, or when
   * reading fails; a reading that is late goes on, and is there for whoever asks next. Never rejects.
   */
  async read(): Promise<T | undefined> {
    const { minAgeMs, deadlineMs } = this.terms;
    if (!this.isFresh(minAgeMs)) {
      this.reading ??= this.take().finally(() => (this.reading = undefined));
      await settledWithin(this.reading, deadlineMs);
    }
    return this.isFresh(minAgeMs) ? this.newest?.value : undefined;
  }

  private isFresh(minAgeMs: number): boolean {
    return this.newest !== undefined && performance.now() - this.newest.at < minAgeMs;
  }

  private async take(): Promise<void> {
    try {
      this.newest = { value: await this.ask(), at: performance.now() };
    } catch {
      // Whatever is away tells of it itself, once; here its series are missing.
    }
  }
}

function settledWithin(work: Promise<void>, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, deadlineMs);
    void work.finally(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
