import type { Taken, WindowLimit } from './rate-window';

const MAX_WINDOWS = 10_000;

interface Window {
  used: number;
  readonly endsAt: number;
}

/** Counts in this process alone: what is left while Redis does not answer. */
export class LocalWindows {
  private readonly windows = new Map<string, Window>();

  take(name: string, { max, windowMs }: WindowLimit, cost: number, now = Date.now()): Taken {
    const found = this.windows.get(name);
    const window = found !== undefined && found.endsAt > now ? found : { used: 0, endsAt: now + windowMs };
    const isAllowed = window.used + cost <= max;
    if (isAllowed) window.used += cost;
    this.keep(name, window);
    return { isAllowed, remaining: Math.max(0, max - window.used), resetMs: window.endsAt - now };
  }

  private keep(name: string, window: Window): void {
    this.windows.delete(name);
    this.windows.set(name, window);
    const [oldest] = this.windows.keys();
    if (this.windows.size > MAX_WINDOWS && oldest !== undefined) this.windows.delete(oldest);
  }
}
