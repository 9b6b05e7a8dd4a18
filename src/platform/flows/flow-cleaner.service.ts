import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { inArray, lt, sql } from 'drizzle-orm';
import { Settings } from '../../config/settings';
import { Database } from '../database/database.service';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { Leader } from '../leader/leader.service';
import { flows } from './flows.tables';

const INTERVAL_MS = 600_000;
const MAX_REMOVED = 10_000;
/** A dead job may be sent back as long as its record stays. */
const LEAST_DAYS = 8;

/** Forgets flows when the ledger forgets their jobs. */
@Injectable()
export class FlowCleaner implements OnApplicationBootstrap {
  constructor(
    private readonly database: Database,
    private readonly leader: Leader,
    private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('flow-cleaner', INTERVAL_MS, () => this.turn());
  }

  async turn(): Promise<void> {
    if (!this.database.isSchemaReady) return;
    const days = Math.max(LEAST_DAYS, this.settings.LEDGER_RETENTION_DAYS);
    const old = this.database.query
      .select({ id: flows.id })
      .from(flows)
      .where(lt(flows.createdAt, sql`now() - ${days} * interval '1 day'`))
      .limit(MAX_REMOVED);
    try {
      await this.database.query.delete(flows).where(inArray(flows.id, old));
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
    }
  }
}
