import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.service';
import { Sampler, type Watched } from '../../platform/http/sampler';
import { NotificationChanges } from '../../workloads/tasks/notification-changes.store';
import type { Inbox } from '../../workloads/tasks/notification-inbox';

/** Is told the version of its inbox at each look; the next look waits for it. */
type Listener = (version: number) => Promise<void>;

/** Looks how far the inboxes have come that somebody follows. */
@Injectable()
export class InboxSampler extends Sampler<Inbox, Listener> {
  constructor(
    database: Database,
    private readonly changes: NotificationChanges,
  ) {
    super(database);
  }

  /** Calls back until the returned function is called. */
  watch({ tenant, userId }: Inbox, listener: Listener): () => void {
    const inbox = { tenant, userId };
    return this.join(nameOf(inbox), (known) => known ?? inbox, listener);
  }

  protected async sample(watched: readonly Watched<Inbox, Listener>[]): Promise<void> {
    const versions = await this.changes.versions(watched.map(({ entry }) => entry));
    const known = new Map(versions.map((inbox) => [nameOf(inbox), inbox.version]));
    // One after the other: the streams of this process share the connections of its requests.
    for (const { entry, listeners } of watched) {
      const version = known.get(nameOf(entry));
      if (version === undefined) continue;
      for (const listener of listeners) await listener(version);
    }
  }
}

function nameOf({ tenant, userId }: Inbox): string {
  return `${tenant} ${userId}`;
}
