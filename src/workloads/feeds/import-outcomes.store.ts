import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.service';
import type { ItemOutcome } from './feeds.tables';

/** An item of an import, as its row is found. */
export interface ImportedItem {
  readonly importId: string;
  readonly key: string;
}

interface Settled extends ImportedItem {
  readonly outcome: ItemOutcome;
}

const MAX_ERROR_CHARACTERS = 500;
// What it does is told in migration 0003.
const SETTLE = `
  SELECT import_id AS "importId", key, outcome FROM settle_import_items($1::uuid[], $2::text[], $3::text)`;

/** What becomes of enqueued items. Whoever settles one also counts it, in the same transaction and only once. */
@Injectable()
export class ImportOutcomes {
  constructor(private readonly database: Database) {}

  /**
   * Stores items that are new, or newer and different, and settles their rows; all in one statement, or none.
   * Rows that are settled already, by an earlier start of their job, are answered as they are.
   * The outcome of each by `<import> <key>`, without those that have no row.
   */
  async store(items: readonly ImportedItem[]): Promise<ReadonlyMap<string, ItemOutcome>> {
    const settled = await this.settle(items, null);
    return new Map(settled.map(({ importId, key, outcome }) => [`${importId} ${key}`, outcome]));
  }

  /** Notes that the jobs of items have failed for good; of those that are settled otherwise nothing is changed. */
  async fail(items: readonly ImportedItem[], error: string): Promise<void> {
    if (items.length === 0) return;
    await this.settle(items, error.replaceAll('\0', '').slice(0, MAX_ERROR_CHARACTERS).toWellFormed());
  }

  // In no transaction of its own: the counters of a source would stay locked until this process says that it ends.
  private settle(items: readonly ImportedItem[], failure: string | null): Promise<readonly Settled[]> {
    const ids = items.map(({ importId }) => importId);
    const keys = items.map(({ key }) => key);
    return this.database.statement(SETTLE, [ids, keys, failure]);
  }
}
