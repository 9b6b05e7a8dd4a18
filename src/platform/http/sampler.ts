import type { BeforeApplicationShutdown } from '@nestjs/common';
import type { Database } from '../database/database.service';

// A few reads per look, however much is followed, and by however many.
const INTERVAL_MS = 500;

/**
 * Looks about twice a second at what somebody follows, once for all its followers in this process. While the database is
 * away nobody hears anything; afterwards it goes on.
 */
export abstract class Sampler<Entry extends object, Listener> implements BeforeApplicationShutdown {
  private readonly watched = new Map<string, { readonly entry: Entry; readonly listeners: Set<Listener> }>();
  private timer?: NodeJS.Timeout;
  private inFlight?: Promise<void>;

  protected constructor(private readonly database: Database) {}

  /** One look at everything that is followed. */
  protected abstract sample(watched: readonly Watched<Entry, Listener>[]): Promise<void>;

  /** Follows what has this name until the returned function is called; `entry` is made for its first follower. */
  protected join(name: string, entry: (known?: Entry) => Entry, listener: Listener): () => void {
    const known = this.watched.get(name);
    const one = { entry: entry(known?.entry), listeners: known?.listeners ?? new Set() };
    one.listeners.add(listener);
    this.watched.set(name, one);
    this.timer ??= setInterval(() => this.tick(), INTERVAL_MS);
    return () => {
      one.listeners.delete(listener);
      if (one.listeners.size === 0 && this.watched.get(name)?.listeners === one.listeners)
        this.watched.delete(name);
      if (this.watched.size === 0) this.stop();
    };
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stop();
    await this.inFlight;
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private tick(): void {
    if (!this.database.isSchemaReady) return;
    this.inFlight ??= this.sample([...this.watched.values()])
      .catch(() => undefined)
      .finally(() => {
        this.inFlight = undefined;
      });
  }
}

/** What is followed, and who wants to hear of it. */
export interface Watched<Entry, Listener> {
  readonly entry: Entry;
  readonly listeners: ReadonlySet<Listener>;
}
