import { ValidateBy, type ValidationOptions } from 'class-validator';

/** The names of a JSON pointer (RFC 6901), unescaped; `*` stands for every element of a list. */
export type PointerNames = readonly string[];

const MAX_CHARACTERS = 500;
const MAX_NAMES = 16;
const hint = `a JSON pointer such as /data/items, of at most ${MAX_NAMES} names and ${MAX_CHARACTERS} characters`;

/** The pointer's names, none for the document itself; throws for a text that is no pointer. */
export function pointerNames(pointer: string): PointerNames {
  if (!isPointer(pointer))
    throw new Error(`${JSON.stringify(String(pointer).slice(0, 100))} is not ${hint}.`);
  return pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Whether {@link pointerNames} reads it. */
export function isJsonPointer(value: string): boolean {
  return isPointer(value);
}

/** Accepts a JSON pointer. */
export function IsJsonPointer(options?: ValidationOptions): PropertyDecorator {
  const validator = { validate: isPointer, defaultMessage: () => `$property must be ${hint}` };
  return ValidateBy({ name: 'isJsonPointer', validator }, options);
}

const fieldName = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** Accepts an object of at most `max` pointers under names that can stand in a query. */
export function IsPointerTable(max: number): PropertyDecorator {
  const validator = {
    validate: (value: unknown) =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Object.keys(value).length <= max &&
      Object.entries(value).every(([name, pointer]) => fieldName.test(name) && isPointer(pointer)),
    defaultMessage: () =>
      `$property must be an object of at most ${max} entries, each a name of letters, digits and _ with ${hint}`,
  };
  return ValidateBy({ name: 'isPointerTable', validator });
}

function isPointer(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_CHARACTERS) return false;
  if (value === '') return true;
  // A mapping is stored as JSONB, which has neither.
  if (value.includes('\0') || !value.isWellFormed()) return false;
  return value.startsWith('/') && value.split('/').length <= MAX_NAMES + 1 && !/~(?![01])/.test(value);
}
