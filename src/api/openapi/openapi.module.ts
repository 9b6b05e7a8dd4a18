import { Module } from '@nestjs/common';

/** `/openapi.json`, `/docs` and the pages behind every problem's `type`. */
@Module({})
export class OpenApiModule {}
