import { Injectable } from '@nestjs/common';
import { and, desc, eq, inArray, lt, or, sql, type SQL } from 'drizzle-orm';
import { Database, type Transaction } from '../../platform/database/database.service';
import type { DeadLetter } from '../../platform/dead-letter/dead-letter-entry';
import { errorGroups, type ErrorGroup, type ErrorGroupStatus } from './error-groups.tables';

/** One death, as far as its group needs it. */
export interface Death extends Pick<
  DeadLetter,
  'id' | 'tenant' | 'queue' | 'type' | 'fingerprint' | 'errorName' | 'errorMessage' | 'finishedAt'
> {
  readonly version: string | null;
}

/** What some deaths have made of their group. */
export interface GroupChange {
  readonly group: ErrorGroup;
  readonly deaths: number;
  /** `regression`: it had been resolved. */
  readonly kind: 'new' | 'regression' | 'known';
  /** How many deaths the newest window had before these. */
  readonly windowBefore: number;
}

export interface ErrorGroupFilter {
  readonly status?: ErrorGroupStatus;
  readonly queue?: string;
  /** Groups that this release, or a later one, has met first. */
  readonly newSince?: string;
}

export interface ErrorGroupPosition {
  readonly lastSeenAt: Date;
  readonly fingerprint: string;
}

export interface ErrorDecision {
  readonly status: 'resolved' | 'ignored';
  readonly by: string;
  readonly reason: string | null;
}

/** A flood of errors with ever new texts is not to fill the database. */
const MAX_GROUPS_PER_TENANT = 10_000;
const KEPT_DAYS = 90;

/** What jobs have died of, grouped; one row per tenant and fingerprint. */
@Injectable()
export class ErrorGroups {
  constructor(private readonly database: Database) {}

  /** Adds deaths to their groups, in the caller's transaction; a group that was resolved opens again. */
  async add(
    transaction: Transaction,
    deaths: readonly Death[],
    windowNumber: number,
  ): Promise<readonly GroupChange[]> {
    const changes: GroupChange[] = [];
    // In one order everywhere, so that two jobs never wait for each other.
    for (const [, own] of [...groupedBy(deaths)].sort(([a], [b]) => (a < b ? -1 : 1))) {
      changes.push(await this.addTo(transaction, own, windowNumber));
    }
    return changes;
  }

  async find(fingerprint: string, tenant: string): Promise<ErrorGroup | undefined> {
    const [found] = await this.database.query.select().from(errorGroups).where(isOne(fingerprint, tenant));
    return found;
  }

  /** The newest deaths first. */
  list(
    { status, queue, newSince }: ErrorGroupFilter,
    page: { readonly tenant: string; readonly limit: number; readonly after?: ErrorGroupPosition },
  ): Promise<ErrorGroup[]> {
    const { tenant, limit, after } = page;
    const conditions: (SQL | undefined)[] = [eq(errorGroups.tenant, tenant)];
    if (status !== undefined) conditions.push(eq(errorGroups.status, status));
    if (queue !== undefined) conditions.push(sql`${queue} = ANY(${errorGroups.queues})`);
    if (newSince !== undefined) {
      conditions.push(
        sql`${numbersOf(sql`${errorGroups.firstVersion}`)} >= ${numbersOf(sql`${newSince}::text`)}`,
      );
    }
    if (after !== undefined) {
      const at = after.lastSeenAt;
      conditions.push(
        or(
          lt(errorGroups.lastSeenAt, at),
          and(eq(errorGroups.lastSeenAt, at), lt(errorGroups.fingerprint, after.fingerprint)),
        ),
      );
    }
    return this.database.query
      .select()
      .from(errorGroups)
      .where(and(...conditions))
      .orderBy(desc(errorGroups.lastSeenAt), desc(errorGroups.fingerprint))
      .limit(limit);
  }

  /** Undefined where there is no such group. */
  async decide(
    fingerprint: string,
    tenant: string,
    { status, by, reason }: ErrorDecision,
  ): Promise<ErrorGroup | undefined> {
    const [decided] = await this.database.query
      .update(errorGroups)
      .set({ status, isRegression: false, decidedAt: sql`now()`, decidedBy: by, decisionReason: reason })
      .where(isOne(fingerprint, tenant))
      .returning();
    return decided;
  }

  /** Forgets what was not seen for long, and the oldest beyond the bound; ignored ones stay as long as they are seen. */
  async trim(): Promise<void> {
    await this.database.query
      .delete(errorGroups)
      .where(lt(errorGroups.lastSeenAt, sql`now() - ${KEPT_DAYS} * interval '1 day'`));
    const full = await this.database.query
      .select({ tenant: errorGroups.tenant })
      .from(errorGroups)
      .groupBy(errorGroups.tenant)
      .having(sql`count(*) > ${MAX_GROUPS_PER_TENANT}`);
    for (const { tenant } of full) {
      const old = this.database.query
        .select({ fingerprint: errorGroups.fingerprint })
        .from(errorGroups)
        .where(eq(errorGroups.tenant, tenant))
        .orderBy(desc(errorGroups.lastSeenAt), desc(errorGroups.fingerprint))
        .offset(MAX_GROUPS_PER_TENANT);
      await this.database.query
        .delete(errorGroups)
        .where(and(eq(errorGroups.tenant, tenant), inArray(errorGroups.fingerprint, old)));
    }
  }

  private async addTo(
    transaction: Transaction,
    deaths: readonly Death[],
    windowNumber: number,
  ): Promise<GroupChange> {
    const newest = deaths.reduce((last, one) => (one.finishedAt >= last.finishedAt ? one : last));
    const oldest = deaths.reduce((first, one) => (one.finishedAt < first.finishedAt ? one : first));
    const { tenant, fingerprint } = newest;
    const queues = [...new Set(deaths.map(({ queue }) => queue))];
    const types = [...new Set(deaths.map(({ type }) => type))];
    const inserted = await transaction
      .insert(errorGroups)
      .values({
        tenant,
        fingerprint,
        count: deaths.length,
        queues,
        types,
        errorName: newest.errorName,
        errorMessage: newest.errorMessage,
        deadLetterId: newest.id,
        firstSeenAt: new Date(oldest.finishedAt),
        lastSeenAt: new Date(newest.finishedAt),
        firstVersion: oldest.version,
        lastVersion: newest.version,
        windowCount: deaths.length,
        windowNumber,
      })
      .onConflictDoNothing()
      .returning();
    if (inserted[0] !== undefined) {
      return { group: inserted[0], deaths: deaths.length, kind: 'new', windowBefore: 0 };
    }
    return this.update(transaction, { deaths, newest, oldest, queues, types, windowNumber });
  }

  private async update(
    transaction: Transaction,
    seen: {
      readonly deaths: readonly Death[];
      readonly newest: Death;
      readonly oldest: Death;
      readonly queues: readonly string[];
      readonly types: readonly string[];
      readonly windowNumber: number;
    },
  ): Promise<GroupChange> {
    const { deaths, newest, oldest, windowNumber } = seen;
    const condition = isOne(newest.fingerprint, newest.tenant);
    const [known] = await transaction.select().from(errorGroups).where(condition).for('update');
    const before = known!;
    // What had died before somebody said "resolved" is no regression, however late it is told.
    const isRegression =
      before.status === 'resolved' && newest.finishedAt > (before.decidedAt?.getTime() ?? 0);
    const windowBefore = before.windowNumber === windowNumber ? before.windowCount : 0;
    const isNewest = newest.finishedAt >= before.lastSeenAt.getTime();
    const [group] = await transaction
      .update(errorGroups)
      .set({
        count: before.count + deaths.length,
        queues: [...new Set([...before.queues, ...seen.queues])].slice(0, 100),
        types: [...new Set([...before.types, ...seen.types])].slice(0, 100),
        windowCount: windowBefore + deaths.length,
        windowNumber,
        firstSeenAt: new Date(Math.min(before.firstSeenAt.getTime(), oldest.finishedAt)),
        ...(isRegression && { status: 'open', isRegression: true }),
        ...(isNewest && {
          errorName: newest.errorName,
          errorMessage: newest.errorMessage,
          deadLetterId: newest.id,
          lastSeenAt: new Date(newest.finishedAt),
          lastVersion: newest.version ?? before.lastVersion,
        }),
      })
      .where(condition)
      .returning();
    return {
      group: group!,
      deaths: deaths.length,
      kind: isRegression ? 'regression' : 'known',
      windowBefore,
    };
  }
}

/** The numbers of a release, so that 1.10.0 comes after 1.9.0; a suffix does not count. */
function numbersOf(version: SQL): SQL {
  return sql`string_to_array(substring(${version} from '^[0-9]{1,9}(?:[.][0-9]{1,9})*'), '.')::int[]`;
}

function groupedBy(deaths: readonly Death[]): ReadonlyMap<string, Death[]> {
  const groups = new Map<string, Death[]>();
  for (const death of deaths) {
    const key = `${death.tenant} ${death.fingerprint}`;
    groups.set(key, [...(groups.get(key) ?? []), death]);
  }
  return groups;
}

function isOne(fingerprint: string, tenant: string): SQL {
  return and(eq(errorGroups.tenant, tenant), eq(errorGroups.fingerprint, fingerprint))!;
}
