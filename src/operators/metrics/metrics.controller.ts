import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Requires } from '../../platform/auth/route-access';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.service';
import { Gauges } from './gauges.service';

@ApiTags('Metrics')
@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly gauges: Gauges,
    private readonly registry: MetricsRegistry,
  ) {}

  /** What this process has counted, and how full the queues are, in the text format of Prometheus. */
  @Get()
  @Requires('metrics:read')
  @ApiProduces('text/plain')
  @ApiOkResponse({ schema: { type: 'string' } })
  async read(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    void reply.type(this.registry.contentType);
    return this.gauges.text();
  }
}
