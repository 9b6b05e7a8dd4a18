/** How full something is; each level includes what the ones before it bring. */
export type Fullness = 'ok' | 'trim' | 'refuse low' | 'refuse all';

/** Shares of the limit at which the levels begin. */
export interface FullnessShares {
  readonly trim: number;
  readonly refuseLow: number;
  readonly refuseAll: number;
}

interface Sample {
  readonly bytes: number;
  readonly at: number;
}

const SMOOTHING = 0.3;
const LONGEST_RETRY_SECONDS = 120;
// Nothing has been seen to drain yet: a worker may be about to start.
const UNKNOWN_RETRY_SECONDS = 10;

/**
 * Follows a number of bytes against a limit. Between two samples it counts what this process adds, and what all
 * processes added in the time before, so that a second of fast adds cannot run past the limit unseen.
 */
export class MemoryGauge {
  private sample?: Sample;
  private growthPerMs = 0;
  private drainPerMs = 0;
  private addedBytes = 0;

  constructor(private readonly shares: FullnessShares) {}

  /** 0 while there is no limit. */
  limitBytes = 0;

  /** Takes a new sample. */
  set(bytes: number, now = Date.now()): void {
    const { sample } = this;
    if (sample !== undefined && now > sample.at) {
      const perMs = (bytes - sample.bytes) / (now - sample.at);
      this.growthPerMs = Math.max(0, perMs);
      if (perMs < 0) this.drainPerMs += SMOOTHING * (-perMs - this.drainPerMs);
    }
    this.sample = { bytes, at: now };
    this.addedBytes = 0;
  }

  /** Counts what was let in since the last sample. */
  add(bytes: number): void {
    this.addedBytes += bytes;
  }

  /** The bytes there are by now, as far as one can tell without asking. */
  bytes(now = Date.now()): number {
    const { sample } = this;
    if (sample === undefined) return 0;
    return sample.bytes + Math.max(this.addedBytes, this.growthPerMs * (now - sample.at));
  }

  /** The share of the limit that is used; 0 without a limit. */
  share(now = Date.now()): number {
    return this.limitBytes > 0 ? this.bytes(now) / this.limitBytes : 0;
  }

  fullness(now = Date.now()): Fullness {
    const share = this.share(now);
    if (share >= this.shares.refuseAll) return 'refuse all';
    if (share >= this.shares.refuseLow) return 'refuse low';
    return share >= this.shares.trim ? 'trim' : 'ok';
  }

  /** When there will be room again at the pace at which bytes have been going lately. */
  retryAfterSeconds(now = Date.now()): number {
    const excessBytes = this.bytes(now) - this.limitBytes * this.shares.refuseLow;
    if (this.drainPerMs === 0) return UNKNOWN_RETRY_SECONDS;
    const seconds = Math.ceil(excessBytes / this.drainPerMs / 1_000);
    return Math.min(LONGEST_RETRY_SECONDS, Math.max(1, seconds));
  }
}
