import { existsSync } from 'node:fs';
import { withHomeLock } from './home-lock';
import type { PrivateStore } from './private-store';

// A store that dies is back within a second: noticed after 250 ms at most, the rest is its own start.
const lookEveryMs = 250;
const longestPauseMs = 30_000;

/**
 * Starts a store again on its old address when its process is gone, under the home's lock, so that of several
 * processes one does it. A start that fails is logged and tried again, after pauses that grow to 30 s.
 */
export class StoreSupervisor {
  private readonly timer: NodeJS.Timeout;
  private round?: Promise<void>;
  private pauseMs = lookEveryMs;
  private notBefore = 0;

  constructor(
    private readonly home: string,
    private readonly stores: PrivateStore[],
    private readonly log: (line: string) => void,
  ) {
    this.timer = setInterval(() => this.look(), lookEveryMs).unref();
  }

  /** Ends the supervision and waits for a restart that is under way. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.round;
  }

  private look(): void {
    if (this.round !== undefined || Date.now() < this.notBefore) return;
    if (this.stores.every((store) => store.isRunning())) return;
    // Whoever removes the home while it is in use wants it gone.
    if (!existsSync(this.home)) return clearInterval(this.timer);
    this.round = this.restart().finally(() => (this.round = undefined));
  }

  private async restart(): Promise<void> {
    try {
      await withHomeLock(this.home, async () => {
        for (const store of this.stores.filter((candidate) => !candidate.isRunning())) {
          if ((await store.ensure({ keepPort: true })) === 'started') {
            this.log(`The private ${store.label} had died and was started again on its old address.`);
          }
        }
      });
      this.pauseMs = lookEveryMs;
      this.notBefore = 0;
    } catch (error) {
      this.pauseMs = Math.min(this.pauseMs * 2, longestPauseMs);
      this.notBefore = Date.now() + this.pauseMs;
      this.log(`${error instanceof Error ? error.message : String(error)} (next try in ${this.pauseMs} ms)`);
    }
  }
}
