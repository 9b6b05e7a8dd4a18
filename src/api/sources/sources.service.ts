import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { Database } from '../../platform/database/database.service';
import { encodeCursor, nextLink, timePlaceIn } from '../../platform/http/cursor';
import { tagMatches } from '../../platform/http/entity-tag';
import { problem } from '../../platform/problems/problem-catalogue';
import {
  FeedSources,
  SourceNameTakenError,
  TooManySourcesError,
  type SourceWish,
} from '../../workloads/feeds/feed-source.store';
import type { FeedSourceRow } from '../../workloads/feeds/feeds.tables';
import { SourceHeaders } from '../../workloads/feeds/source-headers.service';
import { SourceLimits } from '../../workloads/feeds/source-limits.service';
import { faultOfCron } from '../../platform/schedules/cron-turns';
import { sourceTag, sourceView, SOURCES_PATH } from './source-view';
import type { ChangeSourceDto, CreateSourceDto, SourceListDto, SourceListQueryDto } from './source.dto';

// More often than that is not what a feed is for.
const SHORTEST_INTERVAL_MS = 10_000;

/** What callers may ask of sources and do to them. */
@Injectable()
export class Sources {
  constructor(
    private readonly database: Database,
    private readonly sources: FeedSources,
    private readonly headers: SourceHeaders,
    private readonly limits: SourceLimits,
  ) {}

  async create(body: CreateSourceDto, tenant: string): Promise<FeedSourceRow> {
    this.database.assertReady();
    const wish = this.wishOf(body, undefined, tenant);
    const created = await named(() => this.sources.create(tenant, wish));
    await this.limits.follow(undefined, created);
    return created;
  }

  /** Throws `source_not_found`. */
  async require(id: string, tenant: string): Promise<FeedSourceRow> {
    this.database.assertReady();
    const source = await this.sources.find(id, tenant);
    if (source === undefined) throw problem('source_not_found');
    return source;
  }

  async list(query: SourceListQueryDto, tenant: string): Promise<{ page: SourceListDto; link?: string }> {
    this.database.assertReady();
    const { limit, cursor, enabled } = query;
    const found = await this.sources.list(tenant, limit + 1, {
      ...(cursor !== undefined && { after: positionIn(cursor) }),
      ...(enabled !== undefined && { isEnabled: enabled === 'true' }),
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next = found.length > limit ? encodeCursor([last!.createdAt.getTime(), last!.id]) : null;
    return {
      page: { items: items.map(sourceView), next_cursor: next },
      ...(next !== null && { link: nextLink(SOURCES_PATH, query, next) }),
    };
  }

  /** Throws `source_changed` when it is not in the state that the caller has seen, or changes meanwhile. */
  async change(
    before: FeedSourceRow,
    body: ChangeSourceDto,
    ifMatch: string | undefined,
  ): Promise<FeedSourceRow> {
    assertUnchanged(before, ifMatch);
    const wish = this.wishOf(body, before, before.tenant);
    const changed = await named(() => this.sources.update(before, wish));
    if (changed === undefined) throw problem('source_changed');
    await this.limits.follow(before, changed);
    return changed;
  }

  async remove(source: FeedSourceRow, ifMatch: string | undefined): Promise<void> {
    assertUnchanged(source, ifMatch);
    if (!(await this.sources.remove(source))) throw problem('source_changed');
    await this.limits.follow(source, undefined);
  }

  /** What is left out stays as it was, or is as usual. */
  private wishOf(body: ChangeSourceDto, before: FeedSourceRow | undefined, tenant: string): SourceWish {
    const { rate, ...rest } = body;
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    const wish: SourceWish = {
      ...(before ?? { ...usual, name: body.url ?? '', url: body.url ?? '' }),
      ...given,
      ...(rate !== undefined && { rateMax: rate?.max ?? null, rateDurationMs: rate?.durationMs ?? null }),
    };
    const { name, url, mapping, paging, headers, schedule, timeZone, jitterSeconds, enabled } = wish;
    const errors = [
      ...this.problemsOfHeaders(headers, tenant),
      ...(schedule === null ? [] : problemsOfSchedule(schedule, timeZone)),
    ];
    if (errors.length > 0) throw problem('validation_failed', { errors });
    return {
      name,
      url,
      mapping,
      paging,
      headers,
      schedule,
      timeZone,
      jitterSeconds,
      enabled,
      rateMax: wish.rateMax,
      rateDurationMs: wish.rateDurationMs,
    };
  }

  private problemsOfHeaders(headers: SourceWish['headers'], tenant: string) {
    return this.headers.missing(headers ?? {}, tenant).map((name) => ({
      pointer: '#/headers',
      detail: `names a secret that is not set: give every process ${name}`,
      code: 'secretKnown',
    }));
  }
}

const usual = {
  mapping: null,
  paging: null,
  headers: null,
  schedule: null,
  timeZone: 'UTC',
  jitterSeconds: 0,
  rateMax: null,
  rateDurationMs: null,
  enabled: true,
};

function problemsOfSchedule(schedule: string, timeZone: string) {
  const detail = faultOfCron(schedule, timeZone, SHORTEST_INTERVAL_MS);
  return detail === undefined ? [] : [{ pointer: '#/schedule', detail, code: 'isSchedule' }];
}

function assertUnchanged(source: FeedSourceRow, ifMatch: string | undefined): void {
  if (ifMatch !== undefined && !tagMatches(ifMatch, sourceTag(source))) throw problem('source_changed');
}

async function named<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SourceNameTakenError) throw problem('source_name_taken');
    if (error instanceof TooManySourcesError) throw problem('too_many_sources', { detail: error.message });
    throw error;
  }
}

function positionIn(cursor: string) {
  const { at, id } = timePlaceIn(cursor, isUUID);
  return { createdAt: at, id };
}
