import { FeedUnavailableError } from './feed-unavailable.error';

/** Ends what is waited for too long; the time that its caller takes for himself does not count. */
export class IdleLimit {
  /** Fires with the reason of the caller's signal, or with a {@link FeedUnavailableError}. */
  readonly signal: AbortSignal;
  private readonly controller = new AbortController();

  constructor(
    private readonly limitMs: number,
    caller: AbortSignal | undefined,
  ) {
    const own = this.controller.signal;
    this.signal = caller === undefined ? own : AbortSignal.any([own, caller]);
  }

  /** Waits for one step of a source. */
  async during<Result>(step: () => Promise<Result>): Promise<Result> {
    const timer = setTimeout(() => this.controller.abort(this.reason()), this.limitMs);
    try {
      return await step();
    } finally {
      clearTimeout(timer);
    }
  }

  private reason(): FeedUnavailableError {
    return new FeedUnavailableError('timeout', `The source sent nothing for ${this.limitMs} ms.`, true);
  }
}
