import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { Database } from '../../platform/database/database.service';
import { decodeCursor, encodeCursor, nextLink, timePlaceIn } from '../../platform/http/cursor';
import type { PageQueryDto } from '../../platform/http/page-query.dto';
import { problem } from '../../platform/problems/problem-catalogue';
import { FeedImportProducer } from '../../workloads/feeds/feed-import/feed-import.producer';
import { ImportCancels } from '../../workloads/feeds/import-cancels.store';
import { ImportOverviews, type Import } from '../../workloads/feeds/import-overview.store';
import { ImportRuns } from '../../workloads/feeds/import-run.store';
import { importPath, IMPORTS_PATH, importView, sourceView } from './import-view';
import type {
  ImportItemDto,
  ImportItemListDto,
  ImportItemsQueryDto,
  ImportListDto,
  ImportSourceListDto,
  ImportSourcesQueryDto,
} from './import.dto';

/** What callers may see of imports, and how they end them. */
@Injectable()
export class Imports {
  constructor(
    private readonly database: Database,
    private readonly runs: ImportRuns,
    private readonly overviews: ImportOverviews,
    private readonly jobs: FeedImportProducer,
    private readonly cancels: ImportCancels,
  ) {}

  /** Throws `import_not_found` for an id of no import of the tenant, whatever it looks like. */
  async require(id: string, tenant: string): Promise<Import> {
    this.database.assertReady();
    const found = await this.overviews.find(id, tenant);
    if (found === undefined) throw problem('import_not_found');
    return found;
  }

  async list(query: PageQueryDto, tenant: string): Promise<{ page: ImportListDto; link?: string }> {
    this.database.assertReady();
    const { limit, cursor } = query;
    const found = await this.overviews.list(
      tenant,
      limit + 1,
      cursor === undefined ? undefined : positionIn(cursor),
    );
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next = found.length > limit ? encodeCursor([last!.createdAt.getTime(), last!.id]) : null;
    return {
      page: { items: items.map(importView), next_cursor: next },
      ...(next !== null && { link: nextLink(IMPORTS_PATH, query, next) }),
    };
  }

  /** What became of each source, by name. */
  async sourcesOf(
    id: string,
    query: ImportSourcesQueryDto,
    tenant: string,
  ): Promise<{ page: ImportSourceListDto; link?: string }> {
    const one = await this.require(id, tenant);
    const { limit, cursor, status } = query;
    // A name may be longer than a cursor; the id of the source's job is not.
    const found = await this.overviews.sources(one.id, limit + 1, {
      ...(cursor !== undefined && { afterJob: jobIn(cursor) }),
      ...(status !== undefined && { status }),
    });
    const next = found.length > limit ? encodeCursor([found[limit - 1]!.jobId]) : null;
    return {
      page: { items: found.slice(0, limit).map(sourceView), next_cursor: next },
      ...(next !== null && { link: nextLink(`${importPath(id)}/sources`, query, next) }),
    };
  }

  /** Throws `import_over` when there is nothing left to cancel. */
  async cancel(id: string, tenant: string): Promise<Import> {
    const before = await this.require(id, tenant);
    if (!(await this.cancels.cancel(before.id))) throw problem('import_over');
    return this.require(id, tenant);
  }

  /** Enqueued items by their keys, or rejected ones by their place. */
  async items(
    id: string,
    query: ImportItemsQueryDto,
    tenant: string,
  ): Promise<{ page: ImportItemListDto; link?: string }> {
    await this.require(id, tenant);
    const { items, places } =
      query.outcome === 'rejected' ? await this.rejected(id, query) : await this.enqueued(id, query, tenant);
    const next = items.length > query.limit ? encodeCursor([places[query.limit - 1]!]) : null;
    return {
      page: { items: items.slice(0, query.limit), next_cursor: next },
      ...(next !== null && { link: nextLink(`${importPath(id)}/items`, query, next) }),
    };
  }

  private async rejected(id: string, { limit, cursor }: ImportItemsQueryDto) {
    const after = cursor === undefined ? 0 : decodeCursor(cursor, 'number')[0];
    if (!Number.isSafeInteger(after) || after < 0) throw problem('cursor_invalid');
    const found = await this.runs.rejections(id, limit + 1, after);
    const items = found.map(({ source, position, reason, detail }): ImportItemDto => ({
      source,
      position,
      guid: null,
      key: null,
      jobId: null,
      outcome: 'rejected',
      error: `${reason}: ${detail}`,
    }));
    return { items, places: found.map((row) => row.id) };
  }

  private async enqueued(
    id: string,
    { limit, cursor, source, outcome }: ImportItemsQueryDto,
    tenant: string,
  ) {
    const found = await this.runs.items(id, {
      limit: limit + 1,
      ...(cursor !== undefined && { afterKey: decodeCursor(cursor, 'string')[0].replaceAll('\0', '') }),
      ...(source !== undefined && { source }),
      ...(outcome !== undefined && outcome !== 'rejected' && { outcome }),
    });
    const items = found.map((row): ImportItemDto => ({
      source: row.source,
      guid: row.guid,
      key: row.key,
      outcome: row.outcome,
      error: row.error,
      jobId: this.jobs.jobIdOf(row, tenant),
      position: null,
    }));
    return { items, places: found.map(({ key }) => key) };
  }
}

function jobIn(cursor: string): string {
  const [jobId] = decodeCursor(cursor, 'string');
  if (!/^[\w-]{1,100}$/.test(jobId)) throw problem('cursor_invalid');
  return jobId;
}

function positionIn(cursor: string) {
  const { at, id } = timePlaceIn(cursor, isUUID);
  return { createdAt: at, id };
}
