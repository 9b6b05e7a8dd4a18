import multipart from '@fastify/multipart';
import { Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
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
  imports: [ValidationModule],
  controllers: [ValidationsController, ValidationResultsController, ValidationEventsController],
  providers: [Uploads, Validations, ValidationResults, ReportDownloads, RunSampler, RunEvents],
})
export class ValidationsApiModule implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost) {}

  /** Forms are read part by part in the handler, never as a body. */
  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    // Awaited, it would have Fastify settle its routes before Nest has set the error handler.
    void fastify.register(multipart, { throwFileSizeLimit: false });
  }
}
