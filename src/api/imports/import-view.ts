import { feedQueueName } from '../../config/feed-queue-name';
import { always } from '../../platform/auth/queue-of';
import type { ImportSourceRow, ImportStatus } from '../../workloads/feeds/feeds.tables';
import { isOver, type Import } from '../../workloads/feeds/import-run.store';
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
  return { self, items: `${self}/items`, events: `${self}/events`, cancel: `${self}/cancel` };
}

/** One word for all sources: as long as one is under way, that; then whether any of them has come through. */
export function statusOf({ sources }: Import): ImportStatus {
  const of = (status: ImportStatus) => sources.some((source) => source.status === status);
  const order: ImportStatus[] = ['importing', 'fetching', 'queued', 'completed', 'failed'];
  return order.find(of) ?? 'cancelled';
}

export function isImportOver(one: Import): boolean {
  return one.sources.every(({ status }) => isOver(status));
}

/** Each source changes its version with every change, so that their sum tells two states apart. */
export function versionOf({ sources }: Import): number {
  return sources.reduce((sum, { version }) => sum + version, 0);
}

export function tagOf(one: Import): string {
  return `W/"${versionOf(one)}"`;
}

export function importView(one: Import): ImportDto {
  return {
    importId: one.id,
    status: statusOf(one),
    trigger: one.trigger,
    totals: totalsOf(one.sources),
    sources: one.sources.map(sourceView),
    createdAt: one.createdAt.toISOString(),
    links: linksOf(one.id),
  };
}

export function startedView(one: Import): StartedImportDto {
  const { enqueued, duplicates } = totalsOf(one.sources);
  const [only] = one.sources;
  return {
    importId: one.id,
    status: statusOf(one),
    ...(one.sources.length === 1 && { source: only!.source }),
    enqueued,
    duplicates,
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

function sourceView(row: ImportSourceRow): ImportSourceDto {
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
  const { offered, rejected, skipped, duplicates, enqueued, created, updated, unchanged, failed } = row;
  return { offered, rejected, skipped, duplicates, enqueued, created, updated, unchanged, failed };
}

function totalsOf(sources: readonly ImportSourceRow[]): ImportCountsDto {
  const names = [
    'offered',
    'rejected',
    'skipped',
    'duplicates',
    'enqueued',
    'created',
    'updated',
    'unchanged',
    'failed',
  ] as const;
  return Object.fromEntries(
    names.map((name) => [name, sources.reduce((sum, row) => sum + row[name], 0)]),
  ) as unknown as ImportCountsDto;
}
