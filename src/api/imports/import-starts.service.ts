import { Injectable } from '@nestjs/common';
import type { Principal } from '../../platform/auth/principal';
import { Database } from '../../platform/database/database.service';
import type { JobQuota } from '../../platform/limits/caller-limits.service';
import { problem } from '../../platform/problems/problem-catalogue';
import { FeedSources } from '../../workloads/feeds/feed-source.store';
import type { FeedSourceRow } from '../../workloads/feeds/feeds.tables';
import type { Import } from '../../workloads/feeds/import-overview.store';
import {
  ImportRuns,
  SourceRunningError,
  type ImportWish,
  type NewImport,
} from '../../workloads/feeds/import-run.store';
import { ImportStaging } from '../../workloads/feeds/import-staging.store';
import { MemberNameError, pushedItems } from '../../workloads/feeds/pushed-items';
import type { StartImportDto } from './import.dto';
import { Imports } from './imports.service';

const MAX_SOURCES_AT_ONCE = 1_000;

/** Starts imports of stored sources, of an address, or of items that the caller brings along. */
@Injectable()
export class ImportStarts {
  constructor(
    private readonly database: Database,
    private readonly imports: Imports,
    private readonly runs: ImportRuns,
    private readonly sources: FeedSources,
    private readonly staging: ImportStaging,
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
          await this.staging.stage(place, chunk, transaction);
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
      return await this.imports.require(await start(), tenant);
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
