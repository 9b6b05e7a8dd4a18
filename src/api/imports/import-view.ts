import { feedQueueName } from '../../config/feed-queue-name';
import { always } from '../../platform/auth/queue-of';
import type { ImportSourceRow, ImportStatus } from '../../workloads/feeds/feeds.tables';
import { importCounts, type Import } from '../../workloads/feeds/import-overview.store';
import { isOver } from '../../workloads/feeds/import-run.store';
import type {
  ImportCountsDto,
  ImportDto,
  ImportLinksDto,
  ImportSourceDto,
  StartedImportDto,
} from './import.dto';

export const IMPORTS_PATH = '/api/imports';
export const POLL_SECONDS = '1';

/** What a key may do with imports hangs on the queue of their items. */
export const ofFeeds = always(feedQueueName);

export function importPath(id: string): string {
  return `${IMPORTS_PATH}/${id}`;
}

export function linksOf(id: string): ImportLinksDto {
  const self = importPath(id);
  return {
    self,
    sources: `${self}/sources`,
    items: `${self}/items`,
    events: `${self}/events`,
    cancel: `${self}/cancel`,
  };
}

/** One word for all sources: as long as one is under way, that; then whether any of them has come through. */
export function statusOf({ statuses }: Import): ImportStatus {
  const order: ImportStatus[] = ['importing', 'fetching', 'queued', 'completed', 'failed'];
  return order.find((status) => statuses.includes(status)) ?? 'cancelled';
}

export function isImportOver({ statuses }: Import): boolean {
  return statuses.every(isOver);
}

export function tagOf({ version }: Import): string {
  return `W/"${version}"`;
}

export function importView(one: Import): ImportDto {
  return {
    importId: one.id,
    status: statusOf(one),
    trigger: one.trigger,
    totals: one.totals,
    sourceCount: one.sourceCount,
    sources: one.sources.map(sourceView),
    createdAt: one.createdAt.toISOString(),
    links: linksOf(one.id),
  };
}

export function startedView(one: Import): StartedImportDto {
  const { enqueued, duplicates } = one.totals;
  const [only] = one.sources;
  return {
    importId: one.id,
    status: statusOf(one),
    ...(one.sourceCount === 1 && { source: only!.source }),
    enqueued,
    duplicates,
    sourceCount: one.sourceCount,
    sources: one.sources.map(({ source, status, jobId, ...row }) => ({
      source,
      status,
      jobId,
      enqueued: row.enqueued,
      duplicates: row.duplicates,
      skipped: row.skipped,
      rejected: row.rejected,
    })),
    links: linksOf(one.id),
  };
}

export function sourceView(row: ImportSourceRow): ImportSourceDto {
  const { source, status, jobId, format, title, notModified, bytes, broken, error, postponed } = row;
  return {
    source,
    status,
    jobId,
    format,
    title,
    notModified,
    bytes,
    broken,
    error,
    postponed,
    ...countsOf(row),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
  };
}

function countsOf(row: ImportSourceRow): ImportCountsDto {
  return Object.fromEntries(importCounts.map((name) => [name, row[name]])) as unknown as ImportCountsDto;
}
