import { applyDecorators } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import { routeConfig } from '../http/route-config.decorator';
import type { RouteAccess } from './route-access';

/** Tells the OpenAPI document that an operation needs no key. */
export const PUBLIC_EXTENSION = 'x-public';

/**
 * Answers reads without a key: probes and pages of documentation, nothing that shows a job. Writes still need it,
 * unless `everything` is public, as the log-in has to be.
 */
export const Public = (what: NonNullable<RouteAccess['public']> = 'reads') =>
  applyDecorators(
    routeConfig({ access: { public: what } satisfies RouteAccess }),
    ApiExtension(PUBLIC_EXTENSION, true),
  );
