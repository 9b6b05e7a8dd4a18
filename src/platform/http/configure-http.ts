import helmet from '@fastify/helmet';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Settings } from '../../config/settings';
import { AuditHooks } from '../audit/audit-hooks.service';
import { Admission } from '../auth/admission.service';
import { undeclaredRoutes } from '../auth/route-access';
import { ErrorReporter } from '../error-reporting/error-reporter.service';
import { CallerLimits } from '../limits/caller-limits.service';
import { HttpMetrics } from '../metrics/http-metrics.service';
import { ProblemFilter } from '../problems/problem.filter';
import { HttpAdapter } from './http-adapter';
import { RequestGate } from './request-gate';
import { RequestValidationPipe } from './request-validation.pipe';
import { helmetOptions } from './security-headers';

/**
 * Applies what every request and answer shares: security headers, problem answers, validation, the gate.
 * Call it once, before the application is initialised, on an adapter of `createHttpAdapter`.
 */
export async function configureHttp(app: NestFastifyApplication, settings: Settings): Promise<void> {
  const adapter: unknown = app.getHttpAdapter();
  if (!(adapter instanceof HttpAdapter)) {
    throw new Error('configureHttp needs the adapter of createHttpAdapter: hand that to NestFactory.create.');
  }
  await app.register(helmet, helmetOptions(settings));
  // A worker serves probes only, and keeps no library for forms in its memory.
  if (settings.ROLE !== 'worker') {
    const { fastifyMultipart } = await import('@fastify/multipart');
    // Forms are read part by part in their handlers, never as a body.
    await app.register(fastifyMultipart, { throwFileSizeLimit: false });
  }
  app.useGlobalFilters(new ProblemFilter(app.get(ErrorReporter, { strict: false })));
  app.useGlobalPipes(new RequestValidationPipe());
  adapter.getInstance().addHook('onReady', (done) => {
    for (const route of undeclaredRoutes(adapter.routes)) {
      new Logger('HTTP').error(`${route} answers nobody: say who may use it, with @Requires or @Public.`);
    }
    done();
  });
  app.get(HttpMetrics, { strict: false }).install(adapter.getInstance());
  app.get(AuditHooks, { strict: false }).install(adapter.getInstance());
  const gate = new RequestGate(
    adapter,
    app.get(Admission, { strict: false }),
    app.get(CallerLimits, { strict: false }),
  );
  // After all onRequest hooks, so that what is refused here is logged, and before the body is read.
  adapter.getInstance().addHook('preParsing', (request, reply, payload, done) => {
    gate.pass(request, reply).then(
      (isAnswered) => (isAnswered ? undefined : done(null, payload)),
      (error: unknown) => done(error as Error),
    );
  });
}
