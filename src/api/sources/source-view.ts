import { feedQueueName } from '../../config/feed-queue-name';
import { always } from '../../platform/auth/queue-of';
import type { FeedSourceRow } from '../../workloads/feeds/feeds.tables';
import type { SourceDto } from './source.dto';

export const SOURCES_PATH = '/api/sources';

/** What a key may do with feeds hangs on the queue of their items. */
export const ofFeeds = always(feedQueueName);

export function sourcePath(id: string): string {
  return `${SOURCES_PATH}/${id}`;
}

/** What a run notes of a source is no change of it. */
export function sourceTag({ version }: FeedSourceRow): string {
  return `W/"${version}"`;
}

export function sourceView(row: FeedSourceRow): SourceDto {
  const { id, name, url, mapping, paging, headers, schedule, timeZone, jitterSeconds, enabled } = row;
  const { rateMax, rateDurationMs } = row;
  return {
    id,
    name,
    url,
    mapping,
    paging,
    headers,
    schedule,
    timeZone,
    jitterSeconds,
    rate: rateMax === null || rateDurationMs === null ? null : { max: rateMax, durationMs: rateDurationMs },
    enabled,
    nextRunAt: row.nextRunAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    links: { self: sourcePath(id), items: `/api/items?source=${encodeURIComponent(name)}` },
  };
}
