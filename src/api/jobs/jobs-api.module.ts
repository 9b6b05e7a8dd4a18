import { Module } from '@nestjs/common';
import { JobWaiter } from './job-waiter.service';
import { JobsApiService } from './jobs-api.service';
import { JobsController } from './jobs.controller';

@Module({ controllers: [JobsController], providers: [JobsApiService, JobWaiter] })
export class JobsApiModule {}
