import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { Settings } from '../../config/settings';
import { isDatabaseAway } from '../../platform/database/database-unavailable.error';
import { Database } from '../../platform/database/database.service';
import { Leader } from '../../platform/leader/leader.service';

const INTERVAL_MS = 600_000;
const ROWS_PER_STEP = 5_000;

/** Removes old imports and what became of their items; the items themselves stay. */
@Injectable()
export class ImportCleaner implements OnApplicationBootstrap {
  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
    private readonly leader: Leader,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('import-cleaner', INTERVAL_MS, async () => {
      if (!this.database.isSchemaReady) return;
      try {
        await this.removeOld(this.settings.IMPORT_RETENTION_DAYS);
      } catch (error) {
        if (!isDatabaseAway(error)) throw error;
      }
    });
  }

  /** Imports that began so long ago and have ended; in steps, each far below the time limit of a statement. */
  async removeOld(days: number): Promise<void> {
    const old = sql`
      SELECT i.id FROM imports i
      WHERE i.created_at < now() - ${days} * interval '1 day' AND NOT EXISTS (
        SELECT FROM import_sources s
        WHERE s.import_id = i.id AND s.status IN ('queued', 'fetching', 'importing')
      ) ORDER BY i.created_at LIMIT 100`;
    for (;;) {
      const { rows } = await this.database.query.execute(old);
      const ids = sql.param(rows.map(({ id }) => id as string));
      if (rows.length === 0) return;
      await this.removeRows(sql`import_items`, sql`import_id = ANY(${ids}::uuid[])`);
      await this.removeRows(sql`import_rejections`, sql`import_id = ANY(${ids}::uuid[])`);
      await this.removeRows(sql`import_sources`, sql`import_id = ANY(${ids}::uuid[])`);
      await this.removeRows(sql`imports`, sql`id = ANY(${ids}::uuid[])`);
    }
  }

  private async removeRows(table: ReturnType<typeof sql>, condition: ReturnType<typeof sql>): Promise<void> {
    for (;;) {
      const { rowCount } = await this.database.query.execute(
        sql`DELETE FROM ${table} WHERE ctid IN (SELECT ctid FROM ${table} WHERE ${condition} LIMIT ${ROWS_PER_STEP})`,
      );
      if ((rowCount ?? 0) < ROWS_PER_STEP) return;
    }
  }
}
