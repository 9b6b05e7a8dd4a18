import { Module } from '@nestjs/common';
import { BatchEnqueuer } from './batch-enqueuer.service';
import { JobEditsController } from './job-edits.controller';
import { JobEnqueuer } from './job-enqueuer.service';
import { JobResultsController } from './job-results.controller';
import { JobResults } from './job-results.service';
import { JobHistoryController } from './job-history.controller';
import { JobHistory } from './job-history.service';
import { JobWaiter } from './job-waiter.service';
import { JobsApiService } from './jobs-api.service';
import { JobsController } from './jobs.controller';

@Module({
  controllers: [JobHistoryController, JobsController, JobEditsController, JobResultsController],
  providers: [BatchEnqueuer, JobEnqueuer, JobHistory, JobsApiService, JobWaiter, JobResults],
})
export class JobsApiModule {}
