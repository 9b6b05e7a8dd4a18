import { Injectable } from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import { isDatabaseAway } from '../../../platform/database/database-unavailable.error';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import { JobReturnedError } from '../../../platform/queue/job-step';
import { ImportOutcomes, type ImportedItem } from '../import-outcomes.store';
import { itemKeyOf } from '../item-key';
import type { ItemOutcome } from '../feeds.tables';
import type { ImportItemPayload } from './feed-import.payload';

export interface ItemOfBatch extends ImportItemPayload {
  readonly tenant: string;
  /** Whether its failure would be the end of its job. */
  readonly isLastAttempt: boolean;
}

export interface ImportItemResult {
  readonly outcome: ItemOutcome;
}

// A worker that took the next batch at once would only turn the whole queue round.
const WAIT_FOR_DATABASE_MS = 2_000;

/** Stores items: each once, in its newest version, and counts what became of it. */
@Injectable()
export class FeedImportService {
  constructor(private readonly outcomes: ImportOutcomes) {}

  /**
   * One result per item, an Error for one that no import knows. Throws when none was stored. While the database is away
   * jobs go back to their queue and lose no attempt.
   */
  async store(
    batch: readonly ItemOfBatch[],
    signal: AbortSignal,
  ): Promise<readonly (ImportItemResult | Error)[]> {
    const items = batch.map(({ importId, tenant, source, guid }) => ({
      importId,
      key: itemKeyOf(tenant, source, guid),
    }));
    try {
      const stored = await this.outcomes.store(items);
      return items.map(({ importId, key }) => {
        const outcome = stored.get(`${importId} ${key}`);
        if (outcome !== undefined) return { outcome };
        return new HopelessJobError('Invalid job data: no import holds this item, or it is too long ago.');
      });
    } catch (error) {
      if (!isDatabaseAway(error)) {
        await this.noteFailure(items, batch, error as Error);
        throw error;
      }
      await wait(WAIT_FOR_DATABASE_MS, undefined, { signal });
      return items.map(() => new JobReturnedError('The database is away.', WAIT_FOR_DATABASE_MS));
    }
  }

  /** Only an item that is alone is known to be the cause; others are tried without it. */
  private async noteFailure(
    items: readonly ImportedItem[],
    batch: readonly ItemOfBatch[],
    error: Error,
  ): Promise<void> {
    if (items.length === 1 && batch[0]!.isLastAttempt) {
      await this.outcomes.fail(items, error.message).catch(() => undefined);
    }
  }
}
