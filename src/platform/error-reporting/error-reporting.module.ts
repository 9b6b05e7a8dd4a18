import { Global, Module } from '@nestjs/common';
import { ErrorReporter } from './error-reporter.service';
import { JobFailureReports } from './job-failure-reports.service';

/** Tells an address of the operator's what fails for good; off until SENTRY_DSN names one. */
@Global()
@Module({
  providers: [ErrorReporter, JobFailureReports],
  exports: [ErrorReporter],
})
export class ErrorReportingModule {}
