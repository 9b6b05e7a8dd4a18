import { ValidateBy } from 'class-validator';

export const MAX_METADATA_BYTES = 4_096;
export const MAX_METADATA_DEPTH = 5;

/** PostgreSQL keeps neither a NUL nor a half of a character. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** A text that PostgreSQL can keep. */
export function IsStorableText(): PropertyDecorator {
  return ValidateBy({
    name: 'isStorableText',
    validator: {
      validate: (value) => typeof value === 'string' && isStorable(value),
      defaultMessage: (args) => `${args?.property} must be whole Unicode characters without NUL`,
    },
  });
}

/** An object that is kept as it is: small, shallow, and of texts that PostgreSQL can keep. */
export function IsMetadata(): PropertyDecorator {
  return ValidateBy({
    name: 'isMetadata',
    validator: {
      validate: (value) => metadataFault(value) === undefined,
      defaultMessage: (args) => `${args?.property} ${metadataFault(args?.value)}`,
    },
  });
}

/** What is wrong with metadata; undefined where nothing is. */
export function metadataFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'must be an object';
  const fault = faultOf(value, MAX_METADATA_DEPTH);
  if (fault !== undefined) return fault;
  const bytes = Buffer.byteLength(JSON.stringify(value));
  return bytes > MAX_METADATA_BYTES
    ? `must be at most ${MAX_METADATA_BYTES} bytes of JSON, and is ${bytes}: keep the rest elsewhere and name it here`
    : undefined;
}

function faultOf(value: unknown, levels: number): string | undefined {
  if (typeof value === 'string') {
    return isStorable(value) ? undefined : 'must hold whole Unicode characters without NUL';
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (levels === 0) return `must be at most ${MAX_METADATA_DEPTH} levels deep`;
  for (const [name, member] of Object.entries(value)) {
    const fault = faultOf(name, levels) ?? faultOf(member, levels - 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
