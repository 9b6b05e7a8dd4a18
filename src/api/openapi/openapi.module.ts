import { Module } from '@nestjs/common';
import { OpenApiController } from './openapi.controller';
import { OpenApiDocument } from './openapi-document.service';
import { ProblemPagesController } from './problem-pages.controller';

/** `/openapi.json`, `/docs` and the pages behind every problem's `type`. */
@Module({
  controllers: [OpenApiController, ProblemPagesController],
  providers: [OpenApiDocument],
})
export class OpenApiModule {}
