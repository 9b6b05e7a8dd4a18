import type {
  ValidationPassHooks,
  ValidationPassInput,
  ValidationPassResult,
} from './validation-pass-contract';
import { removeParts } from './validation-pass-report';
import { ValidationThread } from './validation-thread';

// Long enough for one upload after the other, short enough that a worker with nothing to do is small again.
const spareLifeMs = 300_000;

/** The threads that validate files. One that has done its work well stays for the next file, loaded and compiled. */
export class ValidationThreads {
  private readonly spares: ValidationThread[] = [];
  private isClosed = false;

  /** How many wait for a file. */
  get waiting(): number {
    return this.spares.length;
  }

  /**
   * Validates an upload in a thread of its own and writes rows, findings, report and result of the run as one: the report
   * stands under its name and the transaction is committed, or there is no trace. Rejects with UnreadableFileError (no retry
   * helps), StaleAttemptError, DatabaseUnavailableError, the signal's reason when aborted, or another error worth a retry.
   */
  async run(
    input: ValidationPassInput,
    { signal, ...hooks }: ValidationPassHooks,
  ): Promise<ValidationPassResult> {
    signal.throwIfAborted();
    const thread = this.spares.pop() ?? new ValidationThread();
    let onAbort: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      const result = await Promise.race([thread.validate(input, hooks), aborted]);
      await this.keep(thread);
      return result;
    } catch (error) {
      await thread.end();
      removeParts(input.reportPath);
      throw error;
    } finally {
      if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends the threads that wait for a file; none stays any more. */
  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all(this.spares.splice(0).map((thread) => thread.end()));
  }

  private async keep(thread: ValidationThread): Promise<void> {
    if (this.isClosed) return thread.end();
    this.spares.push(thread);
    thread.rest(spareLifeMs, () => {
      const place = this.spares.indexOf(thread);
      if (place >= 0) this.spares.splice(place, 1);
    });
  }
}
