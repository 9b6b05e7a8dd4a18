import { performance } from 'node:perf_hooks';
import { isDatabaseAway } from './database-unavailable.error';

// One is being committed while the next is read and planned; with more of them each would be smaller.
const MAX_UNDER_WAY = 2;
const MAX_GATHERED = 100;
// So far apart begin statements while many jobs ask: what a job waits is little beside its work, and each statement
// carries as many more of them.
const PACE_MS = 12;

interface Waiting<I, O> {
  readonly input: I;
  resolve(output: O): void;
  reject(error: unknown): void;
}

/**
 * Hands what many jobs ask of the database in one turn of the loop, within some milliseconds of a statement that
 * carried several, or while earlier statements are under way, to one statement: its round trip, its planning and its
 * commit cost more than the few rows of a job. What comes alone goes at once.
 */
export class StatementGatherer<I, O> {
  private waiting: Waiting<I, O>[] = [];
  private isScheduled = false;
  private underWay = 0;
  private nextAt = 0;

  /** `run` answers in the order of its inputs, and bears being run again for each of them when it fails for all. */
  constructor(private readonly run: (inputs: readonly I[]) => Promise<readonly O[]>) {}

  add(input: I): Promise<O> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ input, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.isScheduled || this.waiting.length === 0 || this.underWay >= MAX_UNDER_WAY) return;
    this.isScheduled = true;
    const restMs = this.nextAt - performance.now();
    if (restMs > 0) setTimeout(() => this.begin(), restMs);
    else setImmediate(() => this.begin());
  }

  private begin(): void {
    this.isScheduled = false;
    const some = this.waiting.splice(0, MAX_GATHERED);
    if (some.length > 1 && this.waiting.length === 0) this.nextAt = performance.now() + PACE_MS;
    this.underWay += 1;
    void this.send(some).finally(() => {
      this.underWay -= 1;
      this.schedule();
    });
    this.schedule();
  }

  private async send(some: readonly Waiting<I, O>[]): Promise<void> {
    try {
      const outputs = await this.run(some.map(({ input }) => input));
      some.forEach(({ resolve }, at) => resolve(outputs[at] as O));
    } catch (error) {
      if (some.length === 1 || isDatabaseAway(error)) some.forEach(({ reject }) => reject(error));
      // What one of them spoils must not fail the others.
      else for (const one of some) await this.send([one]);
    }
  }
}
