import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';

export const IS_PUBLIC = 'holdfast:isPublic';
/** Tells the OpenAPI document that an operation needs no key. */
export const PUBLIC_EXTENSION = 'x-public';

/** Answers reads without a key: probes and pages of documentation, nothing that shows a job. Writes still need it. */
export const Public = () =>
  applyDecorators(SetMetadata(IS_PUBLIC, true), ApiExtension(PUBLIC_EXTENSION, true));
