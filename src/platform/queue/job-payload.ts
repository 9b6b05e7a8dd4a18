import { plainToInstance } from 'class-transformer';
import { validate, type ValidationError } from 'class-validator';
import type { PayloadClass } from './define-queue';
import { acceptanceOf } from './payload-acceptance';

export interface FieldError {
  /** JSON pointer to the field, relative to what was checked: `/to/0`. */
  readonly pointer: string;
  readonly detail: string;
  /** The rule that was broken, as class-validator names it. */
  readonly code: string;
}

/** A payload that does not match its class; carries at most 20 field errors and no value. */
export class PayloadInvalidError extends Error {
  constructor(
    readonly jobType: string,
    readonly errors: readonly FieldError[],
  ) {
    const fields = errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; ');
    super(`payload of job "${jobType}" is invalid: ${fields}`.slice(0, 1_000));
    this.name = 'PayloadInvalidError';
  }
}

const MAX_FIELD_ERRORS = 20;

/** Whether the payload is right beyond doubt; where it says no, {@link checkPayload} knows. */
export function isSurelyValid(type: PayloadClass, data: unknown): boolean {
  return isObject(data) && acceptanceOf(type)(data) !== undefined;
}

function isObject(data: unknown): data is object {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}

/** The one payload check: the producer runs it before Redis, the consumer before the handler. */
export async function checkPayload<T extends object>(
  jobType: string,
  type: PayloadClass<T>,
  data: unknown,
): Promise<T> {
  if (!isObject(data)) {
    throw new PayloadInvalidError(jobType, [{ pointer: '', detail: 'must be an object', code: 'isObject' }]);
  }
  const accepted = acceptanceOf(type)(data);
  if (accepted !== undefined) return accepted;
  const payload = plainToInstance(type, data);
  const errors = await validate(payload, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
  });
  if (errors.length > 0) throw new PayloadInvalidError(jobType, fieldErrors(errors));
  return payload;
}

/** Flattens class-validator's tree into JSON pointers, at most 20 of them, without any value. */
export function fieldErrors(errors: readonly ValidationError[], parent = ''): FieldError[] {
  const flat: FieldError[] = [];
  for (const error of errors) {
    if (flat.length >= MAX_FIELD_ERRORS) break;
    // class-validator names no property when it knows nothing of the class itself.
    const property: string | undefined = error.property;
    const pointer =
      property === undefined
        ? parent
        : `${parent}/${property.replaceAll('~', '~0').replaceAll('/', '~1').slice(0, 100)}`;
    for (const [code, detail] of Object.entries(error.constraints ?? {})) {
      flat.push({ pointer, detail: detail.slice(0, 300), code });
    }
    flat.push(...fieldErrors(error.children ?? [], pointer));
  }
  return flat.slice(0, MAX_FIELD_ERRORS);
}
