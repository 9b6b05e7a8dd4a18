import { Module } from '@nestjs/common';
import { EventStreamsModule } from '../../platform/http/event-streams.module';
import { ValidationModule } from '../../workloads/validation/validation.module';
import { ReportDownloads } from './report-downloads.service';
import { RunEvents } from './run-events.service';
import { RunSampler } from './run-sampler.service';
import { Uploads } from './uploads.service';
import { ValidationEventsController } from './validation-events.controller';
import { ValidationResultsController } from './validation-results.controller';
import { ValidationResults } from './validation-results.service';
import { ValidationsController } from './validations.controller';
import { Validations } from './validations.service';

@Module({
  imports: [ValidationModule, EventStreamsModule],
  controllers: [ValidationsController, ValidationResultsController, ValidationEventsController],
  providers: [Uploads, Validations, ValidationResults, ReportDownloads, RunSampler, RunEvents],
})
export class ValidationsApiModule {}
