import { SandboxProcess, type SandboxLimits } from './sandbox-process';
import type { SandboxProgress } from './sandbox-program';

// What a library leaks is gone after so many; a start costs as much processor time as resizing ten images.
const MAX_USES = 1_000;
// Work that waits longer than this behind other work gets a process beyond the limit: its own time is running.
const MAX_WAIT_MS = 5_000;
// Long enough for one piece of work after the other, short enough that an idle worker is small again.
const SPARE_LIFE_MS = 60_000;

interface Spare {
  readonly process: SandboxProcess;
  readonly uses: number;
  readonly timer: NodeJS.Timeout;
}

/** Processes for work on what strangers have sent: a crash or an endless loop ends one of them, and nothing else. */
export class SandboxPool<I, O> {
  private readonly spares: Spare[] = [];
  private readonly waiting = new Set<() => void>();
  private running = 0;
  private isClosed = false;

  /** With `maxAtOnce` more work waits for a process, for 5 s at most; without it, none does. */
  constructor(
    private readonly program: string,
    private readonly limits: SandboxLimits,
    private readonly maxAtOnce = Infinity,
  ) {}

  /**
   * Does one piece of work in a process of its own. Rejects with SandboxCrashedError, SandboxMemoryError,
   * SandboxRefusalError, the signal's reason, or what the work threw.
   */
  async run(input: I, signal: AbortSignal, onProgress: SandboxProgress = () => undefined): Promise<O> {
    if (this.running < this.maxAtOnce) this.running += 1;
    else await this.turn(signal);
    try {
      const { process, uses } = this.take();
      try {
        return await process.run<O>(input, signal, onProgress);
      } finally {
        this.giveBack(process, uses + 1);
      }
    } finally {
      this.leave();
    }
  }

  /** Resolves with a place of its own among those that run. */
  private turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const settle = (how: () => void) => {
        this.waiting.delete(goOn);
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        how();
      };
      const goOn = () => settle(resolve);
      const onAbort = () => settle(() => reject(signal.reason as Error));
      const timer = setTimeout(() => {
        this.running += 1;
        goOn();
      }, MAX_WAIT_MS);
      this.waiting.add(goOn);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Hands the place to whoever has waited longest, so that nobody who comes now is faster. */
  private leave(): void {
    const [goOn] = this.waiting;
    if (goOn === undefined || this.running > this.maxAtOnce) this.running -= 1;
    else goOn();
  }

  close(): void {
    this.isClosed = true;
    for (const { process, timer } of this.spares.splice(0)) {
      clearTimeout(timer);
      process.kill();
    }
  }

  private take(): { process: SandboxProcess; uses: number } {
    for (let spare = this.spares.pop(); spare !== undefined; spare = this.spares.pop()) {
      clearTimeout(spare.timer);
      if (!spare.process.isGone) return spare;
    }
    return { process: new SandboxProcess(this.program, this.limits), uses: 0 };
  }

  private giveBack(process: SandboxProcess, uses: number): void {
    if (process.isGone) return;
    if (this.isClosed || uses >= MAX_USES) return process.kill();
    const timer = setTimeout(() => this.drop(process), SPARE_LIFE_MS);
    timer.unref();
    this.spares.push({ process, uses, timer });
  }

  private drop(process: SandboxProcess): void {
    const at = this.spares.findIndex((spare) => spare.process === process);
    if (at >= 0) this.spares.splice(at, 1);
    process.kill();
  }
}
