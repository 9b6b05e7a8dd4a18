import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { PROBLEM_MEDIA_TYPE } from './problem-answer';
import { problemCatalogue, type ProblemCode } from './problem-catalogue';

/** Documents which problems a route answers with, beyond those that every route can give. */
export function ApiProblems(...codes: ProblemCode[]): ClassDecorator & MethodDecorator {
  const statuses = new Set(codes.map((code) => problemCatalogue[code].status));
  return applyDecorators(
    ...[...statuses].map((status) => {
      const alike = codes.filter((code) => problemCatalogue[code].status === status);
      return ApiResponse(problemResponse(status, alike));
    }),
  );
}

/** One response of an OpenAPI document for all codes that share a status. */
export function problemResponse(status: number, codes: readonly ProblemCode[]) {
  return {
    status,
    description: codes.map((code) => `\`${code}\`: ${problemCatalogue[code].title}`).join('; '),
    content: { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}
