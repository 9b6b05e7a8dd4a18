import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { PROBLEM_MEDIA_TYPE } from '../../platform/problems/problem-answer';
import { validationProblems, type ValidationProblemCode } from './validation-problems';

/** Documents which problems of its own a route answers with. */
export function ApiValidationProblems(...codes: ValidationProblemCode[]): MethodDecorator {
  const statuses = new Set(codes.map((code) => validationProblems[code].status));
  return applyDecorators(
    ...[...statuses].map((status) => {
      const alike = codes.filter((code) => validationProblems[code].status === status);
      return ApiResponse({
        status,
        description: alike.map((code) => `\`${code}\`: ${validationProblems[code].title}`).join('; '),
        content: { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
      });
    }),
  );
}
