import { Ajv, type ValidateFunction } from 'ajv';

/** What a model is to answer with; every property required and no other allowed, as strict endpoints ask for. */
export interface AnswerSchema {
  /** Letters, digits and underscores. */
  readonly name: string;
  readonly schema: object;
}

export type ReadAnswer<T> = { readonly value: T } | { readonly problem: string };

const MAX_PROBLEM_CHARACTERS = 500;
const ajv = new Ajv({ allErrors: false, strict: true, allowUnionTypes: true });
const compiled = new WeakMap<object, ValidateFunction>();

/** The JSON object in an answer, which may stand in a fence or between words, checked against the schema. */
export function readStructuredAnswer<T>(text: string, { schema }: AnswerSchema): ReadAnswer<T> {
  const begin = text.indexOf('{');
  const end = text.lastIndexOf('}');
  if (begin === -1 || end < begin) return { problem: 'It holds no JSON object.' };
  let value: unknown;
  try {
    value = JSON.parse(text.slice(begin, end + 1));
  } catch {
    return { problem: 'It is not valid JSON.' };
  }
  const isValid = validatorOf(schema);
  if (isValid(value)) return { value: value as T };
  return {
    problem: `It does not fit the schema: ${ajv.errorsText(isValid.errors)}.`.slice(
      0,
      MAX_PROBLEM_CHARACTERS,
    ),
  };
}

/** What a system prompt says to models whose endpoint does not enforce schemas. */
export function schemaInWords({ schema }: AnswerSchema): string {
  return `Answer with one JSON object and nothing else, valid for this JSON Schema:\n${JSON.stringify(schema)}`;
}

function validatorOf(schema: object): ValidateFunction {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const validate = ajv.compile(schema);
  compiled.set(schema, validate);
  return validate;
}
