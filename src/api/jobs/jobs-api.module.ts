import { Module } from '@nestjs/common';
import { JobHistoryController } from './job-history.controller';
import { JobHistory } from './job-history.service';
import { JobWaiter } from './job-waiter.service';
import { JobsApiService } from './jobs-api.service';
import { JobsController } from './jobs.controller';

@Module({
  controllers: [JobHistoryController, JobsController],
  providers: [JobHistory, JobsApiService, JobWaiter],
})
export class JobsApiModule {}
