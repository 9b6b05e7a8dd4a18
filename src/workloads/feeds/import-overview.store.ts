import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { and, desc, eq, getTableColumns, gt, inArray, lte, sql, type SQL } from 'drizzle-orm';
import { Database } from '../../platform/database/database.service';
import {
  imports,
  importSources,
  type ImportRow,
  type ImportSourceRow,
  type ImportStatus,
} from './feeds.tables';

/** What is counted of each source, and of all of an import together. */
export const importCounts = [
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
export type ImportCounts = Readonly<Record<(typeof importCounts)[number], number>>;

/** An import, what its sources come to, and the first of them by name. */
export interface Import extends ImportRow {
  readonly sourceCount: number;
  /** Those that any of its sources has. */
  readonly statuses: readonly ImportStatus[];
  /** Each source changes its version with every change, so that their sum tells two states apart. */
  readonly version: number;
  readonly totals: ImportCounts;
  readonly sources: readonly ImportSourceRow[];
}

export interface ImportPosition {
  readonly createdAt: Date;
  readonly id: string;
}

// An import of all sources has a thousand; one that names its sources has a hundred at most, and shows them all.
const SHOWN_OF_ONE = 100;
const SHOWN_IN_LIST = 10;

/** Imports as callers look at them. */
@Injectable()
export class ImportOverviews {
  constructor(private readonly database: Database) {}

  /** Undefined for anything that is not the id of an import of this tenant. */
  async find(id: string, tenant: string): Promise<Import | undefined> {
    if (!isUUID(id)) return undefined;
    const [found] = await this.read(and(eq(imports.id, id), eq(imports.tenant, tenant)), 1, SHOWN_OF_ONE);
    return found;
  }

  async findMany(ids: readonly string[]): Promise<Import[]> {
    return ids.length === 0 ? [] : this.read(inArray(imports.id, [...ids]), ids.length, SHOWN_OF_ONE);
  }

  /** Newest first. */
  async list(tenant: string, limit: number, after?: ImportPosition): Promise<Import[]> {
    const place =
      after === undefined
        ? undefined
        : sql`(${imports.createdAt}, ${imports.id}) < (${after.createdAt.toISOString()}::timestamptz, ${after.id}::uuid)`;
    return this.read(and(eq(imports.tenant, tenant), place), limit, SHOWN_IN_LIST);
  }

  /** The sources of an import by name, after the one whose job is named. */
  async sources(
    importId: string,
    limit: number,
    { afterJob, status }: { readonly afterJob?: string; readonly status?: ImportStatus } = {},
  ): Promise<ImportSourceRow[]> {
    const before = this.database.query
      .select({ source: importSources.source })
      .from(importSources)
      .where(and(eq(importSources.importId, importId), eq(importSources.jobId, afterJob ?? '')));
    return this.database.query
      .select()
      .from(importSources)
      .where(
        and(
          eq(importSources.importId, importId),
          status === undefined ? undefined : eq(importSources.status, status),
          afterJob === undefined ? undefined : gt(importSources.source, before),
        ),
      )
      .orderBy(importSources.source)
      .limit(limit);
  }

  private async read(condition: SQL | undefined, limit: number, shown: number): Promise<Import[]> {
    const rows = await this.database.query
      .select()
      .from(imports)
      .where(condition)
      .orderBy(desc(imports.createdAt), desc(imports.id))
      .limit(limit);
    if (rows.length === 0) return [];
    const ids = rows.map(({ id }) => id);
    const sums = new Map((await this.sumsOf(ids)).map((sum) => [sum.importId, sum]));
    const first = await this.firstOf(ids, shown);
    return rows.map((row) => {
      const { sourceCount = 0, statuses = [], version = 0, ...counts } = sums.get(row.id) ?? {};
      const totals = Object.fromEntries(
        importCounts.map((name) => [name, (counts as Partial<ImportCounts>)[name] ?? 0]),
      ) as ImportCounts;
      const sources = first.filter(({ importId }) => importId === row.id);
      return { ...row, sourceCount, statuses, version, totals, sources };
    });
  }

  private async sumsOf(ids: readonly string[]) {
    const columns = Object.fromEntries(
      importCounts.map((name) => [name, sql<number>`sum(${importSources[name]})::float8`]),
    ) as Record<(typeof importCounts)[number], SQL<number>>;
    return this.database.query
      .select({
        importId: importSources.importId,
        sourceCount: sql<number>`count(*)::int`,
        statuses: sql<ImportStatus[]>`array_agg(DISTINCT ${importSources.status})`,
        version: sql<number>`sum(${importSources.version})::float8`,
        ...columns,
      })
      .from(importSources)
      .where(inArray(importSources.importId, [...ids]))
      .groupBy(importSources.importId);
  }

  private async firstOf(ids: readonly string[], count: number): Promise<ImportSourceRow[]> {
    const placed = this.database.query
      .select({
        ...getTableColumns(importSources),
        place:
          sql<number>`row_number() OVER (PARTITION BY ${importSources.importId} ORDER BY ${importSources.source})`.as(
            'place',
          ),
      })
      .from(importSources)
      .where(inArray(importSources.importId, [...ids]))
      .as('placed');
    return this.database.query
      .select()
      .from(placed)
      .where(lte(placed.place, count))
      .orderBy(placed.importId, placed.source);
  }
}
