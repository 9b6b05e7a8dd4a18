import { Injectable } from '@nestjs/common';
import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import { Database } from '../../platform/database/database.service';
import { importSources, unfinishedImports } from './feeds.tables';

const ITEMS_PER_STEP = 2_000;
const IMPORTS_PER_TURN = 20;

/**
 * Cancels imports: first their sources, so that nothing is enqueued or stored any more, then their items in steps, each
 * far below the time limit of a statement. Locks are taken in the order in which batches take them.
 */
@Injectable()
export class ImportCancels {
  constructor(private readonly database: Database) {}

  /** Cancels what has not ended; false when everything has. Of many items the rest is left to {@link goOn}. */
  async cancel(importId: string): Promise<boolean> {
    const isCancelled = await this.cancelSources(importId);
    if (isCancelled && (await this.cancelItems(importId, '')) === undefined) await this.finish(importId);
    return isCancelled;
  }

  /** Cancels the items of imports whose sources are cancelled. */
  async goOn(): Promise<void> {
    const open = await this.database.query
      .selectDistinct({ importId: importSources.importId })
      .from(importSources)
      .where(isOpen)
      .limit(IMPORTS_PER_TURN);
    for (const { importId } of open) {
      let afterKey: string | undefined = '';
      while (afterKey !== undefined) afterKey = await this.cancelItems(importId, afterKey);
      await this.finish(importId);
    }
  }

  private cancelSources(importId: string): Promise<boolean> {
    return this.database.transaction(async (transaction) => {
      const cancelled = await transaction
        .update(importSources)
        .set({ status: 'cancelled', version: sql`${importSources.version} + 1`, updatedAt: sql`now()` })
        .where(
          and(eq(importSources.importId, importId), inArray(importSources.status, [...unfinishedImports])),
        )
        .returning({ source: importSources.source });
      // What is not stored has to be asked for again.
      await transaction.execute(sql`
        UPDATE feed_sources f SET etag = NULL, last_modified = NULL
        FROM import_sources s
        WHERE s.import_id = ${importId}::uuid AND s.status = 'cancelled' AND f.tenant = s.tenant AND f.name = s.source`);
      return cancelled.length > 0;
    });
  }

  /** One step; the key after which to go on, or undefined when nothing is left. */
  private async cancelItems(importId: string, afterKey: string): Promise<string | undefined> {
    const { rows } = await this.database.query.execute<{ key: string }>(sql`
      WITH chosen AS MATERIALIZED (
        SELECT key FROM import_items
        WHERE import_id = ${importId}::uuid AND key > ${afterKey} AND outcome = 'queued' AND NOT is_shared
        ORDER BY key LIMIT ${ITEMS_PER_STEP} FOR UPDATE
      ), cancelled AS (
        UPDATE import_items i SET outcome = 'cancelled', updated_at = now()
        FROM chosen WHERE i.import_id = ${importId}::uuid AND i.key = chosen.key
      )
      SELECT key FROM chosen ORDER BY key DESC`);
    return rows.length < ITEMS_PER_STEP ? undefined : rows[0]!.key;
  }

  private async finish(importId: string): Promise<void> {
    await this.database.query
      .update(importSources)
      .set({ finishedAt: sql`now()` })
      .where(and(eq(importSources.importId, importId), isOpen));
  }
}

const isOpen = and(eq(importSources.status, 'cancelled'), isNull(importSources.finishedAt));
