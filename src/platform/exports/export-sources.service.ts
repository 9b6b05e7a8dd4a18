import { Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { sql, type SQL } from 'drizzle-orm';
import type { FieldError } from '../queue/job-payload';
import { ExportSource, type ExportColumn, type ExportFilter } from './export-source';
import { literalOf, problemOfValue } from './filter-value';

/** What a caller wants to have exported; the names may be anybody's words. */
export interface ExportWish {
  readonly source: string;
  /** All of the source's where they are left out. */
  readonly columns?: readonly string[];
  /** A value, or several of which any will do, by filter. */
  readonly filters?: Readonly<Record<string, unknown>>;
}

export interface SelectedColumn extends ExportColumn {
  readonly name: string;
}

/** A wish that was found to be right, for one tenant. */
export interface ExportSelection {
  readonly source: ExportSource;
  readonly columns: readonly SelectedColumn[];
  readonly where: SQL;
}

const MAX_VALUES = 50;
const MAX_ERRORS = 20;

/** Every source of the running process. */
@Injectable()
export class ExportSources {
  private sources?: ReadonlyMap<string, ExportSource>;

  constructor(private readonly discovery: DiscoveryService) {}

  all(): readonly ExportSource[] {
    return [...this.known().values()];
  }

  /** What is wrong with a wish, each with the names that exist; nothing when it can be selected. */
  problemsOf({ source: name, columns = [], filters = {} }: ExportWish): FieldError[] {
    const source = this.known().get(name);
    if (source === undefined) return [unknownName('/source', [...this.known().keys()])];
    return [...problemsOfColumns(source, columns), ...problemsOfFilters(source, filters)].slice(
      0,
      MAX_ERRORS,
    );
  }

  /** Only to be called with a wish that has no problem. */
  select(wish: ExportWish, tenant: string): ExportSelection {
    const source = this.known().get(wish.source);
    if (source === undefined || this.problemsOf(wish).length > 0) {
      throw new Error('What is to be exported has to be checked before it is selected.');
    }
    const names = wish.columns ?? Object.keys(source.columns);
    const conditions = Object.entries(wish.filters ?? {}).map(([name, value]) =>
      conditionOf(source.filters[name]!, value),
    );
    const mine = sql`${source.tenant} = ${literalOf('text', tenant)}`;
    return {
      source,
      columns: names.map((name) => parenthesised(name, source.columns[name]!)),
      where: sql.join([mine, ...conditions], sql` AND `),
    };
  }

  private known(): ReadonlyMap<string, ExportSource> {
    this.sources ??= byName(
      this.discovery
        .getProviders()
        .map(({ instance }) => instance as unknown)
        .filter((instance): instance is ExportSource => instance instanceof ExportSource),
    );
    return this.sources;
  }
}

function byName(sources: readonly ExportSource[]): ReadonlyMap<string, ExportSource> {
  const found = new Map<string, ExportSource>();
  for (const source of sources) {
    if (found.has(source.name)) {
      throw new Error(`Two export sources are called "${source.name}": rename one of them.`);
    }
    found.set(source.name, source);
  }
  return found;
}

function problemsOfColumns(source: ExportSource, columns: readonly string[]): FieldError[] {
  return columns.flatMap((name, at) => {
    const pointer = `/columns/${at}`;
    if (!Object.hasOwn(source.columns, name)) return [unknownName(pointer, Object.keys(source.columns))];
    if (columns.indexOf(name) === at) return [];
    return [{ pointer, detail: 'names a column a second time', code: 'arrayUnique' }];
  });
}

function problemsOfFilters(source: ExportSource, filters: Readonly<Record<string, unknown>>): FieldError[] {
  return Object.entries(filters)
    .slice(0, MAX_ERRORS)
    .flatMap(([name, value]) => {
      const pointer = `/filters/${name.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`;
      const filter = Object.hasOwn(source.filters, name) ? source.filters[name] : undefined;
      if (filter === undefined) return [unknownName(pointer, Object.keys(source.filters))];
      return problemsOfValues(pointer, filter, value);
    });
}

function problemsOfValues(pointer: string, { type }: ExportFilter, value: unknown): FieldError[] {
  if (!Array.isArray(value)) {
    const detail = problemOfValue(type, value);
    return detail === undefined ? [] : [{ pointer, detail, code: type }];
  }
  if (value.length === 0 || value.length > MAX_VALUES) {
    return [{ pointer, detail: `must be one value or a list of 1 to ${MAX_VALUES}`, code: 'arrayMaxSize' }];
  }
  return value.flatMap((one: unknown, at) => {
    const detail = problemOfValue(type, one);
    return detail === undefined ? [] : [{ pointer: `${pointer}/${at}`, detail, code: type }];
  });
}

function unknownName(pointer: string, known: readonly string[]): FieldError {
  return { pointer, detail: `does not exist: use ${known.join(', ')}`, code: 'isIn' };
}

// Whatever is put around an expression later must not take a part of it for its own.
function parenthesised(name: string, { type, value }: ExportColumn): SelectedColumn {
  return { name, type, value: sql`(${value})` };
}

function conditionOf({ type, where }: ExportFilter, value: unknown): SQL {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  const any = values.map((one) => where(literalOf(type, one)));
  return sql`(${sql.join(any, sql` OR `)})`;
}
