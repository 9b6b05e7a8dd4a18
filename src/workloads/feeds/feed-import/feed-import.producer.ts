import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import { addPrepared, prepareJob } from '../../../platform/queue/add-job';
import { jobId } from '../../../platform/queue/job-id';
import { JobProducer } from '../../../platform/queue/job-producer';
import { itemJobKeyOf } from '../item-key';
import { ImportStaging, type PromisedItem } from '../import-staging.store';
import { feedImportQueue } from './feed-import.queue';

@Injectable()
export class FeedImportProducer extends JobProducer<typeof feedImportQueue> {
  constructor(
    @InjectQueue(feedImportQueue.name) private readonly jobs: Queue,
    private readonly staging: ImportStaging,
  ) {
    super(feedImportQueue, jobs);
  }

  /** Adds the jobs of items in as few steps as Redis bears; of those that are there already nothing is changed. */
  async addItems(items: readonly PromisedItem[], tenant: string): Promise<void> {
    const taken = await this.put(items, tenant);
    if (taken.length === 0) return;
    // An old dead letter, or somebody's own job, has the key of an item that is new to us.
    await this.staging.renameJobs(taken, tenant);
    await this.put(
      taken.map((item) => ({ ...item, isFirst: false })),
      tenant,
    );
  }

  /** Answers with the items whose keys other jobs have. */
  private async put(items: readonly PromisedItem[], tenant: string): Promise<PromisedItem[]> {
    const prepared = await Promise.all(
      items.map((item) => {
        const { importId, source, guid } = item;
        const options = { key: keyOf(item), tenant, isPromised: true };
        return prepareJob(feedImportQueue, this.jobs, 'import-item', { importId, source, guid }, options);
      }),
    );
    const outcomes = await addPrepared(feedImportQueue, this.jobs, prepared);
    return items.filter(({ isFirst }, at) => isFirst && outcomes[at]!.isConflict);
  }

  jobIdOf(item: PromisedItem, tenant: string): string {
    return jobId(feedImportQueue.name, keyOf(item), tenant);
  }
}

function keyOf({ importId, source, guid, isFirst }: PromisedItem): string {
  return itemJobKeyOf(source, guid, isFirst ? undefined : importId);
}
