import { ValidateBy, type ValidationOptions } from 'class-validator';

// Indexes of PostgreSQL hold entries of up to 2,704 bytes, tenant and time beside the name.
const MAX_BYTES = 2_048;

/** Accepts what a source may be called: 1 to 2,048 bytes of UTF-8 that PostgreSQL keeps as they are. */
export function IsSourceName(options?: ValidationOptions): PropertyDecorator {
  const validator = {
    validate: isSourceName,
    defaultMessage: () =>
      options?.each === true ? `each value in $property must be ${shape}` : `$property must be ${shape}`,
  };
  return ValidateBy({ name: 'isSourceName', validator }, options);
}

const shape = 'a text of 1 to 2,048 bytes in UTF-8, without NUL and half characters';

function isSourceName(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    value !== '' &&
    Buffer.byteLength(value) <= MAX_BYTES &&
    value.isWellFormed() &&
    !value.includes('\0')
  );
}
