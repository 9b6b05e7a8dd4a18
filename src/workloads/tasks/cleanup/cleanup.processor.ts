import { Processor } from '@nestjs/bullmq';
import { HOME_TENANT } from '../../../platform/auth/permissions';
import { Effects } from '../../../platform/effects/effects.service';
import { originOf } from '../../../platform/queue/add-job';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import { CLEANUP } from './cleanup.payload';
import { cleanupQueue } from './cleanup.queue';
import { CleanupService } from './cleanup.service';

@Processor(cleanupQueue.name)
export class CleanupProcessor extends JobConsumer<typeof cleanupQueue> {
  constructor(
    private readonly work: CleanupService,
    private readonly effects: Effects,
  ) {
    super(cleanupQueue);
  }

  protected readonly handlers: JobHandlers<typeof cleanupQueue> = {
    [CLEANUP]: (job, signal) => {
      const { tenant } = originOf(job);
      // The roots and the sessions are those of the whole server.
      if (tenant !== HOME_TENANT) {
        throw new HopelessJobError(
          `CLEANUP touches what all tenants share: send it with a key of tenant "${HOME_TENANT}".`,
        );
      }
      const report = (counts: object) => job.updateProgress({ stage: 'removing', ...counts });
      return this.work.clean(job.data, this.effects.of(job, signal), report, signal);
    },
  };
}
