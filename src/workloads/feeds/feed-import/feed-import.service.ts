import { Injectable } from '@nestjs/common';
import { isDatabaseAway } from '../../../platform/database/database-unavailable.error';
import { WholeBatchError } from '../../../platform/queue/job-batcher';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
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

/** Stores items: each once, in its newest version, and counts what became of it. */
@Injectable()
export class FeedImportService {
  constructor(private readonly outcomes: ImportOutcomes) {}

  /** One result per item, an Error for one that no import knows. Throws when none was stored. */
  async store(batch: readonly ItemOfBatch[]): Promise<readonly (ImportItemResult | Error)[]> {
    const items = batch.map(({ importId, tenant, source, guid }) => ({
      importId,
      key: itemKeyOf(tenant, source, guid),
    }));
    const stored = await this.settle(items, batch);
    return items.map(({ importId, key }) => {
      const outcome = stored.get(`${importId} ${key}`);
      if (outcome !== undefined) return { outcome };
      return new HopelessJobError('Invalid job data: no import holds this item, or it is too long ago.');
    });
  }

  private async settle(
    items: readonly ImportedItem[],
    batch: readonly ItemOfBatch[],
  ): Promise<ReadonlyMap<string, ItemOutcome>> {
    try {
      return await this.outcomes.store(items);
    } catch (error) {
      if (isDatabaseAway(error)) throw new WholeBatchError('The database is away.', { cause: error });
      // Only one that is alone is known to be the cause; the others are tried without it.
      if (items.length === 1 && batch[0]!.isLastAttempt) {
        await this.outcomes.fail(items, (error as Error).message).catch(() => undefined);
      }
      throw error;
    }
  }
}
