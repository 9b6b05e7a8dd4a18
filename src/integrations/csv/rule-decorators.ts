import { ValidateBy, ValidateIf, buildMessage } from 'class-validator';

/** Marks a property that may be left out; unlike class-validator's own decorator it does not let null through. */
export function MayBeLeftOut(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

/** Accepts a finite number, or a text of at most `maxLength` characters without control characters. */
export function IsNumberOrText(maxLength: number): PropertyDecorator {
  return ValidateBy({
    name: 'isNumberOrText',
    constraints: [maxLength],
    validator: {
      validate: (value: unknown) =>
        (typeof value === 'number' && Number.isFinite(value)) ||
        (typeof value === 'string' && value.length <= maxLength && isPrintable(value)),
      defaultMessage: buildMessage(
        (each) => `${each}$property must be a number, or a text of at most $constraint1 characters`,
      ),
    },
  });
}

/** Accepts a text without control characters (tabs and line ends included). */
export function IsPrintable(options?: { each?: boolean }): PropertyDecorator {
  return ValidateBy(
    {
      name: 'isPrintable',
      validator: {
        validate: (value: unknown) => typeof value === 'string' && isPrintable(value),
        defaultMessage: buildMessage(
          (each) => `${each}$property must not contain control characters`,
          options,
        ),
      },
    },
    options,
  );
}

function isPrintable(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 32 || code === 127) return false;
  }
  return !/\p{Surrogate}/u.test(text);
}
