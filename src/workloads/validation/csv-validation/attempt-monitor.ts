import type { Attempt, AttemptProgress, ValidationAttemptStore } from '../validation-attempt.store';

export interface JobProgress {
  readonly percent: number;
  readonly stage: string;
  readonly rows: number;
}

const TICK_MS = 250;
// Also without news, so that a cancellation is noticed and the reconciler sees that somebody is at work.
const HEARTBEAT_MS = 1_000;

/** Writes an attempt's progress at most four times a second, and stops the attempt once the run is no longer its own. */
export class AttemptMonitor {
  private readonly loss = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private latest: AttemptProgress = { stage: 'parse', percent: 0, rowsRead: 0, findings: 0 };
  private written?: AttemptProgress;
  private writtenAt = Date.now();
  private inFlight?: Promise<void>;

  constructor(
    private readonly attempt: Attempt,
    private readonly store: ValidationAttemptStore,
    private readonly reportToJob: (progress: JobProgress) => Promise<void>,
  ) {
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** Aborts when the run was cancelled, or another attempt took it over. */
  get signal(): AbortSignal {
    return this.loss.signal;
  }

  record(progress: AttemptProgress): void {
    this.latest = progress;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.inFlight;
  }

  private tick(): void {
    const isDue = this.latest !== this.written || Date.now() - this.writtenAt >= HEARTBEAT_MS;
    if (!isDue || this.loss.signal.aborted) return;
    this.inFlight ??= this.write().finally(() => {
      this.inFlight = undefined;
    });
  }

  // A store that is away for a moment costs a progress report, never the attempt.
  private async write(): Promise<void> {
    const { latest } = this;
    const isNews = latest !== this.written;
    this.written = latest;
    this.writtenAt = Date.now();
    const { percent, stage, rowsRead } = latest;
    const toJob = isNews ? this.reportToJob({ percent, stage, rows: rowsRead }) : undefined;
    await Promise.allSettled([this.writeToRun(latest), toJob]);
  }

  private async writeToRun(progress: AttemptProgress): Promise<void> {
    if (await this.store.progress(this.attempt, progress)) return;
    const state = await this.store.state(this.attempt.id);
    if (state?.status === 'completed' && state.attempt === this.attempt.attempt) return;
    this.loss.abort('the run is no longer this attempt’s');
  }
}
