import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Database } from '../../platform/database/database.service';
import { NotificationChanges } from '../../workloads/tasks/notification-changes.store';
import type { Inbox } from '../../workloads/tasks/notification-inbox';

/** Is told the version of its inbox at each look; the next look waits for it. */
type Listener = (version: number) => Promise<void>;

interface Watched extends Inbox {
  readonly listeners: Set<Listener>;
}

// One read per look, however many inboxes and readers there are.
const INTERVAL_MS = 500;

/** Looks how far the inboxes have come that somebody follows, once for all their followers in this process. */
@Injectable()
export class InboxSampler implements BeforeApplicationShutdown {
  private readonly watched = new Map<string, Watched>();
  private timer?: NodeJS.Timeout;
  private inFlight?: Promise<void>;

  constructor(
    private readonly database: Database,
    private readonly changes: NotificationChanges,
  ) {}

  /** Calls back about twice a second until the returned function is called. */
  watch(inbox: Inbox, listener: Listener): () => void {
    const name = nameOf(inbox);
    const entry = this.watched.get(name) ?? { ...inbox, listeners: new Set() };
    entry.listeners.add(listener);
    this.watched.set(name, entry);
    this.timer ??= setInterval(() => this.tick(), INTERVAL_MS);
    return () => {
      entry.listeners.delete(listener);
      if (entry.listeners.size === 0 && this.watched.get(name) === entry) this.watched.delete(name);
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
    // While the database is away the streams stay open and go on afterwards.
    this.inFlight ??= this.sample()
      .catch(() => undefined)
      .finally(() => {
        this.inFlight = undefined;
      });
  }

  private async sample(): Promise<void> {
    const entries = [...this.watched.values()];
    const versions = await this.changes.versions(entries);
    const known = new Map(versions.map((inbox) => [nameOf(inbox), inbox.version]));
    // One after the other: the streams of this process share the connections of its requests.
    for (const entry of entries) {
      const version = known.get(nameOf(entry));
      if (version === undefined) continue;
      for (const listener of entry.listeners) await listener(version);
    }
  }
}

function nameOf({ tenant, userId }: Inbox): string {
  return `${tenant} ${userId}`;
}
