import helmet from '@fastify/helmet';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Settings } from '../../config/settings';
import { KeyVerifier } from '../auth/key-verifier.service';
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
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalPipes(new RequestValidationPipe());
  const gate = new RequestGate(adapter, new KeyVerifier(settings), settings);
  // After all onRequest hooks, so that what is refused here is logged, and before the body is read.
  adapter.getInstance().addHook('preParsing', (request, reply, payload, done) => {
    try {
      if (!gate.pass(request, reply)) done(null, payload);
    } catch (error) {
      done(error as Error);
    }
  });
}
