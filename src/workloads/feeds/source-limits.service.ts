import { Injectable, Logger } from '@nestjs/common';
import { limitKeyOf } from '../../platform/key-limits/key-limit';
import { KeyLimitStore } from '../../platform/key-limits/key-limit-store.service';
import { QueueRegistry } from '../../platform/queue/queue-registry.service';
import { feedImportQueue } from './feed-import/feed-import.queue';
import type { FeedSourceRow } from './feeds.tables';

type Limited = Pick<FeedSourceRow, 'tenant' | 'name' | 'rateMax' | 'rateDurationMs'>;

/** Brings the rates of sources, which PostgreSQL holds, to the queue of their items, whose workers read them in Redis. */
@Injectable()
export class SourceLimits {
  private readonly logger = new Logger('feeds');

  constructor(
    private readonly limits: KeyLimitStore,
    private readonly registry: QueueRegistry,
  ) {}

  /** For a source that was stored; what fails here is done when the source is fetched next. */
  async follow(before: Limited | undefined, after: Limited | undefined): Promise<void> {
    try {
      if (before?.rateMax != null && (after?.rateMax == null || after.name !== before.name)) {
        await this.limits.remove(this.entry(), keyOf(before));
      }
      if (after !== undefined) await this.apply(after);
    } catch (error) {
      this.logger.warn(`The rate of a source is set when it is fetched next: ${(error as Error).message}`);
    }
  }

  /** Sets the source's own rate, if it has one. Rejects with the error of Redis. */
  async apply(source: Limited): Promise<void> {
    const { rateMax: max, rateDurationMs: durationMs } = source;
    if (max === null || durationMs === null) return;
    const limit = { rate: { max, durationMs } };
    if (await this.limits.set(this.entry(), keyOf(source), limit, source.tenant)) return;
    this.logger.warn('Too many keys have limits of their own: the rate of a source is that of its queue.');
  }

  private entry() {
    return this.registry.get(feedImportQueue.name)!;
  }
}

function keyOf({ tenant, name: source }: Limited): string {
  return limitKeyOf(feedImportQueue.keyLimits!, { source }, 'import-item', { tenant })!;
}
