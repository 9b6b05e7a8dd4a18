import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import type { Principal } from '../../platform/auth/principal';
import { Database } from '../../platform/database/database.service';
import { decodeCursor, encodeCursor, nextLink, timePlaceIn } from '../../platform/http/cursor';
import type { PageQueryDto } from '../../platform/http/page-query.dto';
import type { JobQuota } from '../../platform/limits/caller-limits.service';
import { problem } from '../../platform/problems/problem-catalogue';
import { FeedImportProducer } from '../../workloads/feeds/feed-import/feed-import.producer';
import { FeedSources } from '../../workloads/feeds/feed-source.store';
import type { FeedSourceRow } from '../../workloads/feeds/feeds.tables';
import { ImportCancels } from '../../workloads/feeds/import-cancels.store';
import { ImportOverviews, type Import } from '../../workloads/feeds/import-overview.store';
import {
  ImportRuns,
  SourceRunningError,
  type ImportWish,
  type NewImport,
} from '../../workloads/feeds/import-run.store';
import { ImportStaging } from '../../workloads/feeds/import-staging.store';
import { MemberNameError, pushedItems } from '../../workloads/feeds/pushed-items';
import { importPath, IMPORTS_PATH, importView, sourceView } from './import-view';
import type {
  ImportItemDto,
  ImportItemListDto,
  ImportItemsQueryDto,
  ImportListDto,
  ImportSourceListDto,
  ImportSourcesQueryDto,
  StartImportDto,
} from './import.dto';

const MAX_SOURCES_AT_ONCE = 1_000;

/** What callers may ask of imports and do to them. */
@Injectable()
export class Imports {
  constructor(
    private readonly database: Database,
    private readonly runs: ImportRuns,
    private readonly overviews: ImportOverviews,
    private readonly sources: FeedSources,
    private readonly staging: ImportStaging,
    private readonly jobs: FeedImportProducer,
    private readonly cancels: ImportCancels,
  ) {}

  /** Throws `validation_failed`, `source_not_found` and `import_running`; then nothing was started. */
  async start(body: StartImportDto, { tenant, id: caller }: Principal, quota: JobQuota): Promise<Import> {
    this.database.assertReady();
    assertOneKind(body);
    const started = { tenant, trigger: 'request' as const, caller };
    const { items, source, url, mapping, paging } = body;
    if (items !== undefined) {
      await quota(items.length, '#/items');
      return this.push(started, source!, items, mapping ?? undefined);
    }
    const sources =
      url === undefined
        ? await this.storedSources(body, tenant)
        : [{ source: source ?? url, url, ...(mapping && { mapping }), ...(paging && { paging }) }];
    await quota(sources.length, '#/sources');
    return this.started(() => this.runs.start({ ...started, sources }), tenant);
  }

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

  /** The rows and the job that carries them to the queue, or neither. */
  private async push(
    started: Omit<NewImport, 'sources'>,
    source: string,
    given: readonly object[],
    mapping: Parameters<typeof pushedItems>[1],
  ): Promise<Import> {
    const { items, rejections } = await readItems(given, mapping);
    const { tenant } = started;
    const chunk = { items, rejections, bytes: 0 };
    return this.started(
      () =>
        this.runs.start({ ...started, sources: [{ source }] }, async (transaction, importId) => {
          const place = { importId, source, tenant, attempt: 0, status: 'queued' as const };
          await this.staging.stageWithin(transaction, place, chunk);
        }),
      tenant,
    );
  }

  private async storedSources({ sources, source }: StartImportDto, tenant: string): Promise<ImportWish[]> {
    const names = sources ?? (source === undefined ? undefined : [source]);
    if (names === undefined) return this.allIdle(tenant);
    const found = await this.sources.named(names, tenant);
    const missing = names.find((name) => !found.some((one) => one.name === name));
    if (missing !== undefined) {
      throw problem('source_not_found', { detail: `There is no source "${missing.slice(0, 200)}".` });
    }
    return found.map(wishOf);
  }

  private async allIdle(tenant: string): Promise<ImportWish[]> {
    const enabled = await this.sources.list(tenant, MAX_SOURCES_AT_ONCE, { isEnabled: true });
    if (enabled.length === 0) {
      throw refusal('', 'names no source, no address and no items, and no source is enabled');
    }
    const wishes = enabled.map(wishOf);
    const running = new Set(await this.runs.running({ tenant, sources: wishes }));
    const idle = wishes.filter(({ source }) => !running.has(source));
    if (idle.length === 0) throw problem('import_running');
    return idle;
  }

  private async started(start: () => Promise<string>, tenant: string): Promise<Import> {
    try {
      return await this.require(await start(), tenant);
    } catch (error) {
      if (!(error instanceof SourceRunningError)) throw error;
      throw problem('import_running', { detail: error.message });
    }
  }
}

async function readItems(...given: Parameters<typeof pushedItems>): ReturnType<typeof pushedItems> {
  try {
    return await pushedItems(...given);
  } catch (error) {
    if (error instanceof MemberNameError) throw refusal(`/items/${error.at}`, error.message);
    throw error;
  }
}

function wishOf({ name, id, url }: FeedSourceRow): ImportWish {
  return { source: name, sourceId: id, url };
}

function assertOneKind({ sources, source, url, items, mapping, paging }: StartImportDto): void {
  if (sources !== undefined && (source ?? url ?? items) !== undefined) {
    throw refusal('/sources', 'goes with neither source, url nor items');
  }
  if (url !== undefined && items !== undefined) throw refusal('/items', 'does not go with url');
  if (items !== undefined && source === undefined)
    throw refusal('/source', 'must name where the items come from');
  if (mapping != null && url === undefined && items === undefined) {
    throw refusal('/mapping', 'goes with url or items; a stored source has its own');
  }
  if (paging != null && url === undefined) throw refusal('/paging', 'goes with url only');
}

function refusal(pointer: string, detail: string) {
  return problem('validation_failed', { errors: [{ pointer: `#${pointer}`, detail, code: 'goesTogether' }] });
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
