import type { OpenAPIObject } from '@nestjs/swagger';
import { PUBLIC_EXTENSION } from '../../platform/auth/public.decorator';
import { problemResponse } from '../../platform/problems/api-problems.decorator';
import { problemCatalogue, type ProblemCode } from '../../platform/problems/problem-catalogue';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

const ofEvery: ProblemCode[] = ['internal_error', 'storage_unavailable'];
const ofProtected: ProblemCode[] = [
  'unauthenticated',
  'forbidden',
  'cross_site_refused',
  'rate_limited',
  'database_unavailable',
];
const ofWithParameter: ProblemCode[] = ['path_too_long'];
const ofWithBody: ProblemCode[] = [
  'json_malformed',
  'unknown_field',
  'payload_too_large',
  'unsupported_media_type',
  'validation_failed',
];
const methods = ['get', 'put', 'post', 'delete', 'patch', 'head'] as const;

/** Adds the schema of a problem, and to each operation the problems that all of its kind can give. */
export function describeProblems(document: OpenAPIObject): void {
  ((document.components ??= {}).schemas ??= {})['Problem'] = problemSchema;
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of methods) {
      const operation = item[method] as (Operation & Record<string, unknown>) | undefined;
      if (operation === undefined) continue;
      const isPublic = operation[PUBLIC_EXTENSION] === true;
      delete operation[PUBLIC_EXTENSION];
      if (isPublic) operation.security = [];
      addProblems(operation, [
        ...ofEvery,
        ...(isPublic ? [] : ofProtected),
        ...(path.includes('{') ? ofWithParameter : []),
        ...(operation.requestBody === undefined ? [] : ofWithBody),
      ]);
    }
  }
}

/** A response that the route describes itself stays. */
function addProblems(operation: Operation, codes: readonly ProblemCode[]): void {
  for (const status of new Set(codes.map((code) => problemCatalogue[code].status))) {
    const alike = codes.filter((code) => problemCatalogue[code].status === status);
    const { description, content } = problemResponse(status, alike);
    operation.responses[status] ??= { description, content };
  }
}

const text = (description: string) => ({ type: 'string', description });

const problemSchema = {
  type: 'object',
  description: 'What went wrong, as RFC 9457 describes it.',
  required: ['type', 'title', 'status', 'instance', 'code', 'requestId', 'retryable'],
  properties: {
    type: text('The page that explains this kind of problem.'),
    title: text('This kind of problem, in a few words.'),
    status: { type: 'integer', description: 'The HTTP status.' },
    detail: text('This very occurrence.'),
    instance: text('The path that was asked for.'),
    code: { ...text('Stable; what a program decides by.'), examples: Object.keys(problemCatalogue) },
    requestId: text('Under this id the log has more.'),
    retryable: { type: 'boolean', description: 'Whether the same request may succeed later.' },
    errors: {
      type: 'array',
      maxItems: 20,
      description: 'The fields that are wrong.',
      items: {
        type: 'object',
        required: ['pointer', 'detail', 'code'],
        properties: {
          pointer: text(
            'A JSON pointer (`#/to/0`), a query parameter (`?limit`) or a part of the path (`:id`).',
          ),
          detail: text('What is wrong with it.'),
          code: text('The rule that is broken.'),
        },
      },
    },
  },
  additionalProperties: true,
};
