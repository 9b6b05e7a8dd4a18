import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Settings } from '../../config/settings';

/** Applies what every request and answer shares; call it once, before the application is initialised. */
export async function configureHttp(_app: NestFastifyApplication, _settings: Settings): Promise<void> {}
