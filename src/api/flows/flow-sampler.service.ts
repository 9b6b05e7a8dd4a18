import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Database } from '../../platform/database/database.service';
import type { FlowStatus } from '../../platform/flows/flow-status';
import { Flows } from '../../platform/flows/flows.service';

/** Is told undefined once the flow is forgotten. */
type Listener = (flow: FlowStatus | undefined) => void;

interface Watched {
  readonly id: string;
  readonly tenant: string;
  readonly listeners: Set<Listener>;
}

const INTERVAL_MS = 500;

/** Reads the flows that somebody follows, each once for all its followers in this process. */
@Injectable()
export class FlowSampler implements BeforeApplicationShutdown {
  private readonly watched = new Map<string, Watched>();
  private timer?: NodeJS.Timeout;
  private inFlight?: Promise<void>;

  constructor(
    private readonly database: Database,
    private readonly flows: Flows,
  ) {}

  /** Calls back about twice a second until the returned function is called. */
  watch(id: string, tenant: string, listener: Listener): () => void {
    const entry = this.watched.get(id) ?? { id, tenant, listeners: new Set() };
    entry.listeners.add(listener);
    this.watched.set(id, entry);
    this.timer ??= setInterval(() => this.tick(), INTERVAL_MS);
    return () => {
      entry.listeners.delete(listener);
      if (entry.listeners.size === 0 && this.watched.get(id) === entry) this.watched.delete(id);
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
    // While a store is away the streams stay open and go on afterwards.
    this.inFlight ??= this.sample()
      .catch(() => undefined)
      .finally(() => {
        this.inFlight = undefined;
      });
  }

  private async sample(): Promise<void> {
    // One after the other: the streams of this process share the connections of its requests.
    for (const { id, tenant, listeners } of this.watched.values()) {
      const flow = await this.flows.status(id, tenant);
      listeners.forEach((listener) => listener(flow));
    }
  }
}
