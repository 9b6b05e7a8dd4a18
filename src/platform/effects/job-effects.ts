import { AsyncLocalStorage } from 'node:async_hooks';
import type { Database, Transaction } from '../database/database.service';
import type { StatementGatherer } from '../database/statement-gatherer';
import { effectKey, type EffectOwner } from './effect-owner';
import { EffectRefusedError } from './effect-refused.error';
import { readResult, storedResult } from './effect-result';
import { takeStep, writeStep, type KnownStep } from './effect-steps';
import type { FirstStep, PerformedStep } from './gathered-steps';

/** What an effect outside our database is told about itself. */
export interface Delivery {
  /** Pass it on, as a Message-ID or an Idempotency-Key: the receiver can tell a repetition by it. */
  readonly key: string;
  /** Whether an earlier start began this step and left no word about its end. */
  readonly mayHaveHappened: boolean;
}

const stepName = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/;
const insideStep = new AsyncLocalStorage<string>();

/** What the starts of all jobs of this process have in common. */
export interface SharedEffects {
  readonly underWay: Map<string, Promise<unknown>>;
  readonly claims: StatementGatherer<FirstStep, number | undefined>;
  readonly settlements: StatementGatherer<PerformedStep, boolean>;
}

/**
 * The effects of one start of a job. A start that was superseded, or whose signal has fired, is refused with
 * {@link EffectRefusedError}; results are JSON of at most 32 KiB.
 */
export class JobEffects {
  private isUntouched = true;

  constructor(
    private readonly database: Database,
    private readonly owner: EffectOwner,
    private readonly signal: AbortSignal,
    private readonly shared: SharedEffects,
  ) {}

  /**
   * Runs the step unless an earlier start has: what it writes through the transaction, and that it is done, are
   * committed together or not at all. Resolves with its result, of this time or of the first.
   * Keep it to the database: it runs again after a crash before the commit, and may pause for 8 s at most.
   */
  async once<T>(step: string, run: (transaction: Transaction) => Promise<T>): Promise<T> {
    this.begin(step);
    return this.database.transaction(async (transaction) => {
      const known = await takeStep(transaction, this.owner, step);
      if (known.state === 'done') return readResult(known.result) as T;
      const { jobId } = this.owner;
      const result = storedResult(step, await insideStep.run(jobId, () => run(transaction)));
      this.assertRunning(step);
      await writeStep(transaction, this.owner, step, { life: known.life, state: 'done', result });
      return readResult(result) as T;
    });
  }

  /**
   * Runs a step whose effect lies outside the database, such as a mail: it is claimed, performed, then settled.
   * Once settled it never runs again; after a crash, or a lost reply, between the last two it does, with the same key.
   */
  async atLeastOnce<T>(step: string, perform: (delivery: Delivery) => Promise<T>): Promise<T> {
    this.begin(step);
    const { jobId, starts, startedAt } = this.owner;
    const name = `${jobId} ${starts} ${startedAt} ${step}`;
    const { underWay } = this.shared;
    const earlier = underWay.get(name);
    if (earlier !== undefined) return earlier as Promise<T>;
    const delivering = this.deliver(step, perform).finally(() => underWay.delete(name));
    underWay.set(name, delivering);
    return delivering;
  }

  private async deliver<T>(step: string, perform: (delivery: Delivery) => Promise<T>): Promise<T> {
    const known = await this.claim(step);
    if (known.state === 'done') return readResult(known.result) as T;
    this.assertRunning(step);
    const key = effectKey(this.owner.jobId, known.life, step);
    const performed = await perform({ key, mayHaveHappened: known.state === 'claimed' });
    const result = storedResult(step, performed);
    // Also when the signal has fired meanwhile: it has happened, and whoever comes next had better know.
    await this.settle(step, known.life, result);
    return readResult(result) as T;
  }

  private async claim(step: string): Promise<KnownStep> {
    const isFirst = this.isUntouched && this.owner.starts === 1 && !this.owner.isRedriven;
    this.isUntouched = false;
    // Where nearly every mail and call begins: a share of one round trip and one commit, instead of five.
    const life = isFirst ? await this.shared.claims.add({ owner: this.owner, step }) : undefined;
    if (life !== undefined) return { life };
    return this.database.transaction(async (transaction) => {
      const found = await takeStep(transaction, this.owner, step);
      if (found.state === undefined) {
        await writeStep(transaction, this.owner, step, { ...found, state: 'claimed', result: null });
      }
      return found;
    });
  }

  private async settle(step: string, life: number, result: string | null): Promise<void> {
    if (await this.shared.settlements.add({ owner: this.owner, step, life, result })) return;
    await this.database.transaction(async (transaction) => {
      const { life: known } = await takeStep(transaction, this.owner, step);
      await writeStep(transaction, this.owner, step, { life: known, state: 'done', result });
    });
  }

  private begin(step: string): void {
    if (!stepName.test(step)) {
      throw new Error(
        `"${step.slice(0, 100)}" cannot name a step: use 1 to 100 letters, digits, dots, colons, dashes or underscores.`,
      );
    }
    if (insideStep.getStore() === this.owner.jobId) {
      throw new Error(
        `Step "${step}" of job ${this.owner.jobId} was begun inside another step of the job, whose end it would ` +
          'wait for: run them one after the other.',
      );
    }
    this.database.assertReady();
    this.assertRunning(step);
  }

  private assertRunning(step: string): void {
    if (this.signal.aborted) {
      throw new EffectRefusedError(this.owner.jobId, step, 'aborted', { cause: this.signal.reason });
    }
  }
}
