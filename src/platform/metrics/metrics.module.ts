import { Global, Module } from '@nestjs/common';
import { HttpMetrics } from './http-metrics.service';
import { JobMetrics } from './job-metrics.service';
import { MetricsRegistry } from './metrics-registry.service';

/** Counts what this process does; without this module nothing is counted, and everything runs as it does with it. */
@Global()
@Module({
  providers: [MetricsRegistry, JobMetrics, HttpMetrics],
  exports: [MetricsRegistry, HttpMetrics],
})
export class MetricsModule {}
