import { Module } from '@nestjs/common';
import { BatchEnqueuer } from './batch-enqueuer.service';
import { JobEditsController } from './job-edits.controller';
import { JobEnqueuer } from './job-enqueuer.service';
import { JobResultsController } from './job-results.controller';
import { JobResults } from './job-results.service';
import { JobWaiter } from './job-waiter.service';
import { JobsApiService } from './jobs-api.service';
import { JobsController } from './jobs.controller';

@Module({
  controllers: [JobsController, JobEditsController, JobResultsController],
  providers: [BatchEnqueuer, JobEnqueuer, JobsApiService, JobWaiter, JobResults],
})
export class JobsApiModule {}
