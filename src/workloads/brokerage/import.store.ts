import { Injectable } from '@nestjs/common';
import { and, asc, desc, eq, gt, inArray, lt, sql, type SQL } from 'drizzle-orm';
import type { BrokerActivity } from '../../integrations/broker/broker-activity';
import type { FindingKind } from '../../integrations/csv/finding-catalog';
import { Database, type Transaction } from '../../platform/database/database.service';
import { Outbox } from '../../platform/outbox/outbox.service';
import { jobId as jobIdOf } from '../../platform/queue/job-id';
import { ActivityStore, IMPORT_SOURCE } from './activity.store';
import { tradeImportFindings, tradeImports, type ImportStatus } from './brokerage.tables';
import type { RowPosition } from './connection.store';
import { isRowId, newRowId } from './row-id';
import type { TradeFileOptions } from './trade-file';

export type TradeImport = typeof tradeImports.$inferSelect;
export type TradeImportFinding = typeof tradeImportFindings.$inferSelect;

/** Data at rest: the names of the queue and of its job. */
const QUEUE = 'import';
const JOB = 'process-csv';

const unfinished: ImportStatus[] = ['queued', 'processing'];
const SILENT_MS = 120_000;
const MAX_MESSAGE_CHARACTERS = 1_000;
/** Of one import; its summary counts all. */
export const MAX_STORED_FINDINGS = 10_000;

/** A newer start of the job has taken the import over. */
export class ImportSupersededError extends Error {
  constructor() {
    super('Another start of this import has gone on.');
    this.name = 'ImportSupersededError';
  }
}

/** What a part of a file has brought. */
export interface ImportedPart {
  readonly rowsRead: number;
  readonly rowsRefused: number;
  readonly trades: readonly BrokerActivity[];
  readonly findings: readonly NewFinding[];
}

export interface NewFinding {
  readonly row: number;
  readonly line: number;
  readonly kind: FindingKind;
  readonly value: string | null;
}

export type ImportRequest = Pick<TradeImport, 'userId' | 'fileId'> & TradeFileOptions;

/** The imports as their jobs see them, and as callers do. */
@Injectable()
export class ImportStore {
  constructor(
    private readonly database: Database,
    private readonly activities: ActivityStore,
    private readonly outbox: Outbox,
  ) {}

  /** Stores the import and promises its job, both or neither; one that exists already is answered as it is. */
  async create(payload: ImportRequest, tenant: string, caller: string): Promise<TradeImport> {
    const id = newRowId();
    const key = `import:${id}`;
    const { userId, fileId } = payload;
    const created = await this.database.transaction(async (transaction) => {
      const [row] = await transaction
        .insert(tradeImports)
        .values({
          id,
          tenant,
          userId,
          fileId,
          status: 'queued',
          jobId: jobIdOf(QUEUE, key, tenant),
          createdAt: new Date(),
        })
        .onConflictDoNothing()
        .returning();
      if (row !== undefined) await this.outbox.put(transaction, { type: JOB, key, payload, tenant, caller });
      return row;
    });
    this.outbox.wakeRelay();
    return created ?? (await this.find(id, tenant))!;
  }

  /** Begins, or goes on with, the import of a job; undefined when it is completed. */
  async claim(
    { userId, fileId }: ImportRequest,
    tenant: string,
    jobId: string,
  ): Promise<TradeImport | undefined> {
    const next = { status: 'processing' as const, errorMessage: null, finishedAt: null };
    const [claimed] = await this.database.query
      .insert(tradeImports)
      .values({ ...next, id: newRowId(), tenant, userId, fileId, jobId, attempt: 1, createdAt: new Date() })
      .onConflictDoUpdate({
        target: tradeImports.jobId,
        set: { ...next, attempt: sql`${tradeImports.attempt} + 1`, updatedAt: sql`now()` },
        setWhere: sql`${tradeImports.status} <> 'completed'`,
      })
      .returning();
    return claimed;
  }

  /** Stores a part of the file and that it is done, both or neither. Throws {@link ImportSupersededError}. */
  async storePart(claimed: TradeImport, part: ImportedPart): Promise<TradeImport> {
    return this.database.transaction(async (transaction) => {
      const held = await write(transaction, claimed, {});
      const owner = { tenant: held.tenant, userId: held.userId, source: IMPORT_SOURCE };
      const inserted =
        part.trades.length === 0 ? 0 : await this.activities.insertNew(transaction, owner, part.trades);
      const kept = part.findings.slice(0, MAX_STORED_FINDINGS - held.findingsStored);
      if (kept.length > 0) await transaction.insert(tradeImportFindings).values(kept.map(rowOf(held)));
      return write(transaction, held, {
        rowsRead: part.rowsRead,
        rowsRefused: sql`${tradeImports.rowsRefused} + ${part.rowsRefused}`,
        rowsInserted: sql`${tradeImports.rowsInserted} + ${inserted}`,
        rowsDuplicate: sql`${tradeImports.rowsDuplicate} + ${part.trades.length - inserted}`,
        findingsStored: sql`${tradeImports.findingsStored} + ${kept.length}`,
      });
    });
  }

  async complete(
    claimed: TradeImport,
    about: Pick<TradeImport, 'columns' | 'dialect' | 'summary'>,
  ): Promise<TradeImport> {
    return write(this.database.query, claimed, {
      ...about,
      status: 'completed',
      errorMessage: null,
      finishedAt: sql`now()`,
    });
  }

  /** Ends the import of a job that will not be tried again. */
  async failOf(jobId: string, message: string): Promise<boolean> {
    const { rowCount } = await this.database.query
      .update(tradeImports)
      .set({
        status: 'failed',
        errorMessage: message.slice(0, MAX_MESSAGE_CHARACTERS),
        finishedAt: sql`now()`,
        updatedAt: sql`now()`,
      })
      .where(and(eq(tradeImports.jobId, jobId), inArray(tradeImports.status, unfinished)));
    return (rowCount ?? 0) > 0;
  }

  async find(id: string, tenant: string): Promise<TradeImport | undefined> {
    if (!isRowId(id)) return undefined;
    const [found] = await this.database.query
      .select()
      .from(tradeImports)
      .where(and(eq(tradeImports.id, id), eq(tradeImports.tenant, tenant)));
    return found;
  }

  async findByJob(jobId: string): Promise<TradeImport | undefined> {
    const [found] = await this.database.query
      .select()
      .from(tradeImports)
      .where(eq(tradeImports.jobId, jobId));
    return found;
  }

  /** Newest first. */
  async list(options: { tenant: string; limit: number; userId?: string; before?: RowPosition }) {
    const { tenant, limit, userId, before } = options;
    const conditions: SQL[] = [eq(tradeImports.tenant, tenant)];
    if (userId !== undefined) conditions.push(eq(tradeImports.userId, userId));
    if (before !== undefined) {
      const at = before.createdAt.toISOString();
      conditions.push(
        sql`(${tradeImports.createdAt}, ${tradeImports.id}) < (${at}::timestamptz, ${before.id}::uuid)`,
      );
    }
    return this.database.query
      .select()
      .from(tradeImports)
      .where(and(...conditions))
      .orderBy(desc(tradeImports.createdAt), desc(tradeImports.id))
      .limit(limit);
  }

  /** In the order of the file. */
  async findings(importId: string, limit: number, afterOrdinal = -1): Promise<TradeImportFinding[]> {
    return this.database.query
      .select()
      .from(tradeImportFindings)
      .where(and(eq(tradeImportFindings.importId, importId), gt(tradeImportFindings.ordinal, afterOrdinal)))
      .orderBy(asc(tradeImportFindings.ordinal))
      .limit(limit);
  }

  /** Open imports that nothing has been heard of for a while. */
  async silent(limit: number, silentMs = SILENT_MS): Promise<TradeImport[]> {
    return this.database.query
      .select()
      .from(tradeImports)
      .where(
        and(
          inArray(tradeImports.status, unfinished),
          sql`${tradeImports.updatedAt} < now() - ${silentMs} * interval '1 millisecond'`,
        ),
      )
      .orderBy(tradeImports.updatedAt)
      .limit(limit);
  }

  /** Says that somebody has looked after an open import. */
  async touch(id: string): Promise<void> {
    await this.database.query
      .update(tradeImports)
      .set({ updatedAt: sql`now()` })
      .where(eq(tradeImports.id, id));
  }

  /** Forgets old imports with their findings; the trades stay. Resolves with how many there were. */
  async removeOld(before: Date, limit: number): Promise<number> {
    const old = this.database.query
      .select({ id: tradeImports.id })
      .from(tradeImports)
      .where(lt(tradeImports.createdAt, before))
      .limit(limit);
    const { rowCount } = await this.database.query.delete(tradeImports).where(inArray(tradeImports.id, old));
    return rowCount ?? 0;
  }
}

type ImportChange = { [Column in keyof TradeImport]?: TradeImport[Column] | SQL };

async function write(
  query: Pick<Transaction, 'update'>,
  { id, attempt }: Pick<TradeImport, 'id' | 'attempt'>,
  change: ImportChange,
): Promise<TradeImport> {
  const [written] = await query
    .update(tradeImports)
    .set({ ...change, updatedAt: sql`now()` })
    .where(
      and(eq(tradeImports.id, id), eq(tradeImports.attempt, attempt), eq(tradeImports.status, 'processing')),
    )
    .returning();
  if (written === undefined) throw new ImportSupersededError();
  return written;
}

function rowOf({ id, findingsStored }: TradeImport) {
  return ({ row, line, kind, value }: NewFinding, index: number): TradeImportFinding => ({
    importId: id,
    ordinal: findingsStored + index,
    rowNumber: row,
    lineNumber: line,
    columnName: kind.column,
    rule: kind.rule,
    severity: kind.severity,
    message: kind.message,
    value,
  });
}
