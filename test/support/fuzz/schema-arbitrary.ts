import fc from 'fast-check';

/** As much of a JSON Schema as the server's own document uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly nullable?: boolean;
}

export type Resolve = (ref: string) => Schema;

const MAX_DEPTH = 6;
const MAX_TEXT = 60;
const MAX_NUMBER = 100_000;

/** Names of BullMQ and JavaScript, marks of other languages, and what has broken servers before. */
export const hostileTexts = [
  ...'wait active delayed prioritized completed failed stalled meta id marker events repeat'.split(' '),
  '',
  ' ',
  '\0',
  'a\0b',
  'line\r\nbreak: x',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  'NaN',
  '-1',
  '1e20',
  '0x10',
  '007',
  '99999999999999999999999',
  'a:b',
  'a:b:c',
  '../../../etc/passwd',
  '..%2f..%2f',
  '%00',
  '%',
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'; DROP TABLE jobs; --",
  '${7*7}{{7*7}}',
  '\u202Etxt.exe',
  '\uD800',
  '\u{1F4A9}'.repeat(20),
  'é́'.repeat(30),
  'x'.repeat(300),
  'x'.repeat(5_000),
  '2024-13-45T99:99:99Z',
  '0000-00-00',
  '[]',
  '{}',
];

const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });

/** Values that belong nowhere. */
const hostileValues: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1.5,
  1e20,
  -1e308,
  Number.MAX_SAFE_INTEGER,
  [],
  {},
  [[]],
  [null],
  { __proto__: null, constructor: 1 },
  JSON.parse('{"__proto__":{"x":1}}'),
  deep(15),
  deep(60),
  Array.from({ length: 1_500 }, (_, at) => at),
  'x'.repeat(100_000),
];

export const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.constantFrom(...hostileValues),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.double(),
);

/** Values that the schema allows; texts are short and numbers small, so that they are mostly allowed by more than it. */
export function valid(schema: Schema, resolve: Resolve, depth = 0): fc.Arbitrary<unknown> {
  if (depth > MAX_DEPTH) return fc.constant(null);
  if (schema.$ref !== undefined) return valid(resolve(schema.$ref), resolve, depth + 1);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined && schema.enum.length > 0) return fc.constantFrom(...schema.enum);
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices !== undefined && choices.length > 0) {
    return fc.oneof(...choices.map((choice) => valid(choice, resolve, depth + 1)));
  }
  if (schema.allOf !== undefined) {
    const parts = schema.allOf.map((part) => valid(part, resolve, depth + 1));
    return fc.tuple(...parts).map((made) => Object.assign({}, ...made) as unknown);
  }
  const types = [schema.type ?? (schema.properties === undefined ? 'string' : 'object')].flat();
  const made = types.map((type) => ofType(type, schema, resolve, depth));
  return fc.oneof(...made, ...(schema.nullable === true ? [fc.constant(null)] : []));
}

function ofType(type: string, schema: Schema, resolve: Resolve, depth: number): fc.Arbitrary<unknown> {
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number': {
      const { minimum = 0, maximum = Math.max(minimum, MAX_NUMBER) } = schema;
      const integer = fc.integer({
        min: Math.ceil(minimum),
        max: Math.floor(Math.min(maximum, minimum + MAX_NUMBER)),
      });
      return type === 'integer'
        ? integer
        : fc.oneof(
            integer,
            integer.map((value) => Math.min(value + 0.5, maximum)),
          );
    }
    case 'array': {
      const { items = {}, minItems = 0, maxItems = 3 } = schema;
      const item = valid(items, resolve, depth + 1);
      return fc.array(item, { minLength: minItems, maxLength: Math.min(maxItems, minItems + 3) });
    }
    case 'object': {
      const { properties = {}, required = [] } = schema;
      const members = Object.entries(properties).map(([name, member]): [string, fc.Arbitrary<unknown>] => [
        name,
        valid(member, resolve, depth + 1),
      ]);
      return fc.record(Object.fromEntries(members), {
        requiredKeys: required.filter((name) => Object.hasOwn(properties, name)) as never[],
      });
    }
    default:
      return text(schema);
  }
}

function text({ format, minLength = 0, maxLength = MAX_TEXT }: Schema): fc.Arbitrary<string> {
  switch (format) {
    case 'date-time':
      return fc
        .date({ min: new Date('2001-01-01'), max: new Date('2040-01-01'), noInvalidDate: true })
        .map((date) => date.toISOString());
    case 'uuid':
      return fc.uuid();
    case 'binary':
      return fc.constant('id,name\n1,Ada\n');
    default: {
      const most = Math.min(maxLength, Math.max(minLength, MAX_TEXT));
      const plain = fc.string({
        unit: fc.constantFrom(...'abcdefghij0123456789-_'),
        minLength: Math.max(1, minLength),
        maxLength: Math.max(1, most),
      });
      return fc.oneof(
        { weight: 3, arbitrary: plain },
        fc.string({ unit: 'grapheme', minLength, maxLength: most }),
      );
    }
  }
}

/** The value with one thing wrong: a member replaced, left out, doubled in depth, or one that does not exist. */
export function mutated(whole: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(whole, fc.nat(), fc.constantFrom('replace', 'remove', 'add'), hostile)
    .map(([value, at, how, evil]) => {
      if (typeof value !== 'object' || value === null) return evil;
      const copy = structuredClone(value) as Record<string, unknown>;
      const places = placesIn(copy);
      const [holder, name] = places[at % Math.max(1, places.length)] ?? [copy, 'unknown'];
      if (how === 'remove') delete holder[name];
      else if (how === 'replace') holder[name] = evil;
      else
        holder[typeof evil === 'string' && evil !== '__proto__' ? evil.slice(0, 50) : 'unknownMember'] = evil;
      return copy;
    });
}

/** Every member of an object or a list, however deep. */
function placesIn(value: Record<string, unknown>): [Record<string, unknown>, string][] {
  return Object.entries(value).flatMap(([name, member]): [Record<string, unknown>, string][] => [
    [value, name],
    ...(typeof member === 'object' && member !== null ? placesIn(member as Record<string, unknown>) : []),
  ]);
}
