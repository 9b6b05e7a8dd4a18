import { ValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { countOf, unknownFields } from '../problems/problem-of';
import { problem, type ProblemCode } from '../problems/problem-catalogue';
import { fieldErrors, type FieldError } from '../queue/job-payload';

/** What class-validator found, until it is known which part of the request it is about. */
class RequestInvalidError extends Error {
  constructor(readonly found: readonly ValidationError[]) {
    super('The request does not match its class.');
    this.name = 'RequestInvalidError';
  }
}

interface Part {
  readonly code: ProblemCode;
  readonly prefix: string;
}

const body: Part = { code: 'validation_failed', prefix: '#/' };
const parts: Partial<Record<ArgumentMetadata['type'], Part>> = {
  query: { code: 'query_invalid', prefix: '?' },
  param: { code: 'path_invalid', prefix: ':' },
};

const plainTypes: readonly unknown[] = [String, Boolean, Number, Array, Object, Buffer, Date, undefined];

/**
 * Checks bodies, queries and path parameters against their classes. Throws 422 `validation_failed` for a body,
 * 400 for a query, a path or an unknown field; at most 20 errors, each with a pointer and without the value.
 */
export class RequestValidationPipe extends ValidationPipe {
  constructor() {
    super({
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      stopAtFirstError: true,
      transform: true,
      validationError: { target: false, value: false },
      exceptionFactory: (found) => new RequestInvalidError(found),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type === 'body' && !plainTypes.includes(metadata.metatype)) refuseOtherThanObject(value);
    try {
      return (await super.transform(value, metadata)) as unknown;
    } catch (error) {
      if (!(error instanceof RequestInvalidError)) throw error;
      const part = parts[metadata.type] ?? body;
      const errors = pointed(error.found, part.prefix);
      throw unknownFields(errors) ?? problem(part.code, { detail: countOf(errors), errors }, error);
    }
  }
}

function refuseOtherThanObject(value: unknown): void {
  if (value === undefined) return;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  const errors = [{ pointer: '#', detail: 'must be an object', code: 'isObject' }];
  throw problem('validation_failed', { detail: countOf(errors), errors });
}

function pointed(found: readonly ValidationError[], prefix: string): FieldError[] {
  return fieldErrors(named(found)).map((error) => ({
    ...error,
    pointer: withoutEnd(`${prefix}${error.pointer.slice(1)}`),
  }));
}

// No regular expression: a field's name may be nothing but slashes, thousands of them.
function withoutEnd(pointer: string): string {
  let end = pointer.length;
  while (end > 1 && pointer.endsWith('/', end)) end--;
  return pointer.slice(0, end);
}

/** A value that no class describes is reported without a property; it belongs to the field above. */
function named(found: readonly ValidationError[]): ValidationError[] {
  return found.map((error) => ({
    ...error,
    property: (error.property as string | undefined) ?? '',
    children: named(error.children ?? []),
  }));
}
