import { SandboxProcess, type SandboxLimits } from './sandbox-process';
import type { SandboxProgress } from './sandbox-program';

// What a library leaks is gone after so many; a start costs less than a tenth of a second.
const MAX_USES = 200;
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
  private isClosed = false;

  constructor(
    private readonly program: string,
    private readonly limits: SandboxLimits,
  ) {}

  /**
   * Does one piece of work in a process of its own; as many run at once as are asked for. Rejects with
   * SandboxCrashedError, SandboxMemoryError, SandboxRefusalError, the signal's reason, or what the work threw.
   */
  async run(input: I, signal: AbortSignal, onProgress: SandboxProgress = () => undefined): Promise<O> {
    const { process, uses } = this.take();
    try {
      return await process.run<O>(input, signal, onProgress);
    } finally {
      this.giveBack(process, uses + 1);
    }
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
