import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module';
import type { Settings } from './config/settings';
import { KeyPresence } from './platform/auth/key-presence.service';
import { listenAddress } from './platform/auth/listen-address';
import { configureHttp } from './platform/http/configure-http';
import { createHttpAdapter } from './platform/http/http-adapter';
import { RedisConnections } from './platform/redis/redis-connections.service';
import { WorkerRunner } from './platform/worker/worker-runner.service';

const FIRST_CONNECT_MS = 2_000;

/** Builds the server of one role; it accepts no request before {@link startServer}. */
export async function createServer(settings: Settings): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    await AppModule.forRole(settings),
    createHttpAdapter(settings),
    { bufferLogs: true, abortOnError: false },
  );
  app.useLogger(app.get(Logger));
  await configureHttp(app, settings);
  if (settings.ROLE !== 'worker') {
    const { setUpOpenApi } = await import('./api/openapi/set-up-openapi.js');
    setUpOpenApi(app, settings);
  }
  return app;
}

/** Starts workers and listens; resolves with the address. With Redis or the database away it starts all the same. */
export async function startServer(app: NestFastifyApplication, settings: Settings): Promise<string> {
  await app.get(RedisConnections).waitUntilReady(FIRST_CONNECT_MS);
  await app.init();
  const host = listenAddress(settings, await app.get(KeyPresence).atStart());
  if (settings.ROLE !== 'api') app.get(WorkerRunner).startChosen();
  await listen(app, settings, host);
  return (await app.getUrl()).replace('[::1]', 'localhost').replace(/0\.0\.0\.0|127\.0\.0\.1/, 'localhost');
}

/** A default port that is taken gives way to the next free one; a port that was asked for does not. */
async function listen(app: NestFastifyApplication, settings: Settings, host: string): Promise<void> {
  const last = settings.PORT === undefined && !settings.isProduction ? settings.port + 100 : settings.port;
  for (let port = settings.port; ; port += 1) {
    try {
      await app.listen(port, host);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EADDRINUSE') throw error;
      if (port >= last) {
        throw new Error(`Port ${port} is taken: free it, or set PORT to another one.`, { cause: error });
      }
    }
  }
}
