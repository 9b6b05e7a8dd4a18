import { DocumentBreak } from './document-break';
import type { DocumentOptions } from './document-options';
import type { FeedEvent, FeedInfo, RejectionReason } from './feed-event';
import { finishItem } from './finish-item';
import type { ItemDraft } from './item-draft';

/** What a document has shown so far, whatever its form. */
export class FeedFindings {
  items = 0;
  rejected = 0;
  private events: FeedEvent[] = [];
  private isAnnounced = false;

  /** `info` is what the document has said of itself by then. */
  constructor(
    private readonly options: DocumentOptions,
    private readonly info: () => FeedInfo,
  ) {}

  /** What was found since the last time. */
  take(): readonly FeedEvent[] {
    const { events } = this;
    this.events = [];
    return events;
  }

  /** Tells of the feed itself, once and before its first item. */
  announce(): void {
    if (this.isAnnounced) return;
    this.isAnnounced = true;
    this.events.push({ kind: 'feed', ...this.info() });
  }

  /** Throws {@link DocumentBreak} beyond the most items, as {@link leaveOut} does. */
  add(draft: ItemDraft, whenEmpty: string): void {
    const item = finishItem(draft, this.nextPosition(), this.options.url);
    if (item === undefined) return this.leaveOut('item_empty', whenEmpty);
    this.items++;
    this.events.push({ kind: 'item', item });
  }

  leaveOut(reason: RejectionReason, detail: string): void {
    const position = this.nextPosition();
    this.rejected++;
    this.events.push({ kind: 'rejected', position, reason, detail });
  }

  private nextPosition(): number {
    this.announce();
    const { limits, itemsBefore } = this.options;
    const offered = this.items + this.rejected;
    if (offered >= limits.maxItems) {
      throw new DocumentBreak('too_many_items', `The document has more than ${limits.maxItems} items.`);
    }
    return itemsBefore + offered + 1;
  }
}
