import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { asc, inArray, lt } from 'drizzle-orm';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { Database } from '../database/database.service';
import { Leader } from '../leader/leader.service';
import { operationItems, operations } from './operations.tables';

const INTERVAL_MS = 60_000;
/** How long an operation is kept after its end. */
const KEPT_MS = 90 * 86_400_000;
// With 100,000 items each, as much as one statement can remove in its time.
const MAX_PER_TURN = 3;

/** Forgets operations that ended long ago. */
@Injectable()
export class OperationCleaner implements OnApplicationBootstrap {
  constructor(
    private readonly database: Database,
    private readonly leader: Leader,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('operation-cleaner', INTERVAL_MS, () => this.turn());
  }

  async turn(now = Date.now()): Promise<void> {
    if (!this.database.isSchemaReady) return;
    try {
      const old = await this.database.query
        .select({ id: operations.id })
        .from(operations)
        .where(lt(operations.finishedAt, new Date(now - KEPT_MS)))
        .orderBy(asc(operations.finishedAt))
        .limit(MAX_PER_TURN);
      if (old.length === 0) return;
      const ids = old.map(({ id }) => id);
      await this.database.query.delete(operationItems).where(inArray(operationItems.operationId, ids));
      await this.database.query.delete(operations).where(inArray(operations.id, ids));
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
    }
  }
}
