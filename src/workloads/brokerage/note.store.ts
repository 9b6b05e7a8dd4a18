import { Injectable } from '@nestjs/common';
import { and, desc, eq, inArray, sql, type SQL } from 'drizzle-orm';
import { Database, type Transaction } from '../../platform/database/database.service';
import { oneAtATime } from '../../platform/database/one-at-a-time';
import { Outbox } from '../../platform/outbox/outbox.service';
import { tradeNotes } from './brokerage.tables';
import type { RowPosition } from './connection.store';
import { isRowId, newRowId } from './row-id';

type Row = typeof tradeNotes.$inferSelect;
/** A note without its vector. */
export type TradeNote = Omit<Row, 'embedding'>;

/** Of one user: a search compares with all of them. */
export const MAX_NOTES = 5_000;

const columns = {
  id: tradeNotes.id,
  tenant: tradeNotes.tenant,
  userId: tradeNotes.userId,
  title: tradeNotes.title,
  body: tradeNotes.body,
  version: tradeNotes.version,
  embeddingModel: tradeNotes.embeddingModel,
  embeddedVersion: tradeNotes.embeddedVersion,
  createdAt: tradeNotes.createdAt,
  updatedAt: tradeNotes.updatedAt,
};

/** What of a note its vector is made of. */
export function embeddedText({ title, body }: Pick<TradeNote, 'title' | 'body'>): string {
  return `${title}\n${body}`;
}

/** What users write down; each new text is promised a job that makes its vector. */
@Injectable()
export class NoteStore {
  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
  ) {}

  /** Undefined when the user has as many notes as may be; a note that exists already is answered as it is. */
  async create(
    note: Pick<TradeNote, 'tenant' | 'userId' | 'title' | 'body'>,
    caller: string,
  ): Promise<TradeNote | undefined> {
    const id = newRowId();
    const { tenant, userId } = note;
    const created = await this.database.transaction(async (transaction) => {
      await oneAtATime(transaction, `notes of ${tenant} ${userId}`);
      const [row] = await transaction
        .select({ count: sql<number>`count(*)::int` })
        .from(tradeNotes)
        .where(and(eq(tradeNotes.tenant, tenant), eq(tradeNotes.userId, userId)));
      if ((row?.count ?? 0) >= MAX_NOTES) return undefined;
      const [put] = await transaction
        .insert(tradeNotes)
        .values({ ...note, id, createdAt: new Date() })
        .onConflictDoNothing()
        .returning(columns);
      if (put !== undefined) await this.promise(transaction, put, caller);
      return put ?? (await this.find(id, tenant, transaction));
    });
    this.outbox.wakeRelay();
    return created;
  }

  async find(
    id: string,
    tenant: string,
    query: Pick<Transaction, 'select'> = this.database.query,
  ): Promise<TradeNote | undefined> {
    if (!isRowId(id)) return undefined;
    const [found] = await query
      .select(columns)
      .from(tradeNotes)
      .where(and(eq(tradeNotes.id, id), eq(tradeNotes.tenant, tenant)));
    return found;
  }

  /** Newest first. */
  async list(options: {
    tenant: string;
    userId: string;
    limit: number;
    before?: RowPosition;
  }): Promise<TradeNote[]> {
    const { tenant, userId, limit, before } = options;
    const conditions: SQL[] = [eq(tradeNotes.tenant, tenant), eq(tradeNotes.userId, userId)];
    if (before !== undefined) {
      const at = before.createdAt.toISOString();
      conditions.push(
        sql`(${tradeNotes.createdAt}, ${tradeNotes.id}) < (${at}::timestamptz, ${before.id}::uuid)`,
      );
    }
    return this.database.query
      .select(columns)
      .from(tradeNotes)
      .where(and(...conditions))
      .orderBy(desc(tradeNotes.createdAt), desc(tradeNotes.id))
      .limit(limit);
  }

  async findMany(ids: readonly string[]): Promise<TradeNote[]> {
    if (ids.length === 0) return [];
    return this.database.query
      .select(columns)
      .from(tradeNotes)
      .where(inArray(tradeNotes.id, [...ids]));
  }

  /** Undefined when it is gone, or has another version by now. */
  async edit(
    { id, tenant, version }: TradeNote,
    edit: Partial<Pick<TradeNote, 'title' | 'body'>>,
    caller: string,
  ): Promise<TradeNote | undefined> {
    const edited = await this.database.transaction(async (transaction) => {
      const [row] = await transaction
        .update(tradeNotes)
        .set({ ...edit, version: sql`${tradeNotes.version} + 1`, updatedAt: sql`now()` })
        .where(and(eq(tradeNotes.id, id), eq(tradeNotes.tenant, tenant), eq(tradeNotes.version, version)))
        .returning(columns);
      if (row !== undefined) await this.promise(transaction, row, caller);
      return row;
    });
    this.outbox.wakeRelay();
    return edited;
  }

  /** False when it was gone. */
  async remove({ id, tenant }: Pick<TradeNote, 'id' | 'tenant'>): Promise<boolean> {
    const { rowCount } = await this.database.query
      .delete(tradeNotes)
      .where(and(eq(tradeNotes.id, id), eq(tradeNotes.tenant, tenant)));
    return (rowCount ?? 0) > 0;
  }

  /** Keeps the vector of a text; false when the note has another one by now. */
  async keepVector(
    { id, version }: TradeNote,
    { vector, provider }: { readonly vector: Float32Array; readonly provider: string },
  ): Promise<boolean> {
    const { rowCount } = await this.database.query
      .update(tradeNotes)
      .set({ embedding: bytesOf(vector), embeddingModel: provider, embeddedVersion: version })
      .where(and(eq(tradeNotes.id, id), eq(tradeNotes.version, version)));
    return (rowCount ?? 0) > 0;
  }

  /** The vectors of a user's notes that one provider has made, those of an older text among them, by a few at a time. */
  async *vectors(
    { tenant, userId }: Pick<TradeNote, 'tenant' | 'userId'>,
    provider: string,
  ): AsyncGenerator<{ readonly id: string; readonly vector: Float32Array }> {
    for (let last = '00000000-0000-0000-0000-000000000000'; ;) {
      const found = await this.database.query
        .select({ id: tradeNotes.id, embedding: tradeNotes.embedding })
        .from(tradeNotes)
        .where(
          and(
            eq(tradeNotes.tenant, tenant),
            eq(tradeNotes.userId, userId),
            eq(tradeNotes.embeddingModel, provider),
            sql`${tradeNotes.id} > ${last}::uuid`,
          ),
        )
        .orderBy(tradeNotes.id)
        .limit(VECTORS_PER_READ);
      for (const { id, embedding } of found)
        if (embedding !== null) yield { id, vector: vectorOf(embedding) };
      if (found.length < VECTORS_PER_READ) return;
      last = found.at(-1)!.id;
    }
  }

  private promise(
    transaction: Transaction,
    { id, version, tenant }: TradeNote,
    caller: string,
  ): Promise<void> {
    const key = `embed:${id}:${version}`;
    return this.outbox.put(transaction, { type: 'embed', key, payload: { noteId: id }, tenant, caller });
  }
}

const VECTORS_PER_READ = 500;

function bytesOf(vector: Float32Array): Buffer {
  const bytes = Buffer.allocUnsafe(vector.length * 4);
  vector.forEach((value, index) => bytes.writeFloatLE(value, index * 4));
  return bytes;
}

function vectorOf(bytes: Buffer): Float32Array {
  return Float32Array.from({ length: bytes.length >> 2 }, (_, index) => bytes.readFloatLE(index * 4));
}
