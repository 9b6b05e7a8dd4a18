import { Module } from '@nestjs/common';
import { BatchEnqueuer } from './batch-enqueuer.service';
import { JobEnqueuer } from './job-enqueuer.service';
import { JobWaiter } from './job-waiter.service';
import { JobsApiService } from './jobs-api.service';
import { JobsController } from './jobs.controller';

@Module({ controllers: [JobsController], providers: [BatchEnqueuer, JobEnqueuer, JobsApiService, JobWaiter] })
export class JobsApiModule {}
