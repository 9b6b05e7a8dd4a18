import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Counter, Histogram } from 'prom-client';
import { MetricsRegistry } from './metrics-registry.service';

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const MS_PER_S = 1_000;

/** Counts requests by what the server knows of them; nothing that a caller wrote becomes a label. */
@Injectable()
export class HttpMetrics {
  private readonly requests: Counter<'method' | 'route' | 'status'>;
  private readonly durations: Histogram<'method' | 'route'>;

  constructor(registry: MetricsRegistry) {
    this.requests = new Counter({
      name: 'holdfast_http_requests_total',
      help: 'Requests answered, by route as it is declared.',
      labelNames: ['method', 'route', 'status'],
      registers: [registry],
    });
    this.durations = new Histogram({
      name: 'holdfast_http_request_duration_seconds',
      help: 'From the head of a request to the end of its answer.',
      labelNames: ['method', 'route'],
      buckets: BOUNDS,
      registers: [registry],
    });
  }

  /** Call it before the routes are there. */
  install(instance: FastifyInstance): void {
    instance.addHook('onResponse', (request, reply, done) => {
      this.record(request, reply);
      done();
    });
  }

  private record(request: FastifyRequest, { statusCode, elapsedTime }: FastifyReply): void {
    const method = methods.has(request.method) ? request.method : 'other';
    const route = request.is404 ? 'unmatched' : (request.routeOptions.url ?? 'unmatched');
    this.requests.inc({ method, route, status: `${Math.floor(statusCode / 100)}xx` });
    this.durations.observe({ method, route }, elapsedTime / MS_PER_S);
  }
}
