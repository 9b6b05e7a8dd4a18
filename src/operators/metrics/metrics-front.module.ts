import { Module } from '@nestjs/common';
import { GaugeSampler } from './gauge-sampler.service';
import { Gauges } from './gauges.service';
import { MetricsController } from './metrics.controller';

/** What Prometheus scrapes, of every process: a worker has numbers of its own. */
@Module({ controllers: [MetricsController], providers: [GaugeSampler, Gauges] })
export class MetricsFrontModule {}
