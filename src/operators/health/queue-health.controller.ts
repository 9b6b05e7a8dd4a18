import { Controller, Get, Header, Res } from '@nestjs/common';
import { ApiOkResponse, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../../platform/auth/public.decorator';
import { RedisChecks } from './redis-checks.service';

type QueueHealth = { status: 'healthy'; redis: 'connected' } | { status: 'unhealthy'; error: string };

const text = { type: 'string' };
const healthy = { type: 'object', properties: { status: text, redis: text } };
const unhealthy = { type: 'object', properties: { status: text, error: text } };

/** The health route of document 001, whose answer is exactly the document's. */
@ApiTags('Health')
@Public()
@Controller(['api/health/queue', 'health/queue'])
export class QueueHealthController {
  constructor(private readonly redis: RedisChecks) {}

  /** Whether Redis answers a ping. */
  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOkResponse({ schema: healthy })
  @ApiServiceUnavailableResponse({ schema: unhealthy })
  async check(@Res({ passthrough: true }) reply: FastifyReply): Promise<QueueHealth> {
    try {
      await this.redis.answers();
      return { status: 'healthy', redis: 'connected' };
    } catch (error) {
      reply.status(503);
      return { status: 'unhealthy', error: (error as Error).message };
    }
  }
}
