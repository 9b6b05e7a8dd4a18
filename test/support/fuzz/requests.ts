import fc from 'fast-check';
import { hostile, hostileTexts, mutated, valid, type Resolve, type Schema } from './schema-arbitrary';

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
}

export interface Answer {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body?: { readonly type: string; readonly schema: Schema };
  readonly responses: Readonly<Record<string, Answer>>;
}

/** One request, as it is sent. */
export interface FuzzRequest {
  readonly operation: Operation;
  readonly who: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const methods = ['get', 'post', 'put', 'patch', 'delete'];

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

/** Every operation of an OpenAPI document. */
export function operationsOf({ paths }: Document): Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const found = item[method] as
        | {
            parameters?: Parameter[];
            requestBody?: { content?: Record<string, { schema?: Schema }> };
            responses: Operation['responses'];
          }
        | undefined;
      if (found === undefined) return [];
      const [content] = Object.entries(found.requestBody?.content ?? {});
      return [
        {
          method: method.toUpperCase(),
          path,
          parameters: found.parameters ?? [],
          responses: found.responses,
          ...(content !== undefined && { body: { type: content[0], schema: content[1].schema ?? {} } }),
        },
      ];
    }),
  );
}

export function resolverOf({ components }: Document): Resolve {
  return (ref) => components?.schemas?.[ref.split('/').at(-1) ?? ''] ?? {};
}

/** Requests to one operation: as the document wants them, with one thing wrong, or wholly strange. */
export function requestsTo(
  operation: Operation,
  {
    resolve,
    known,
    callers,
  }: { resolve: Resolve; known: (path: string, name: string) => string; callers: number },
): fc.Arbitrary<FuzzRequest> {
  const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
  const inQuery = operation.parameters.filter((parameter) => parameter.in === 'query');
  const inHeader = operation.parameters.filter((parameter) => parameter.in === 'header');
  const places = inPath.map(({ name }) =>
    fc.oneof(
      { weight: 4, arbitrary: fc.constant(known(operation.path, name)) },
      fc.constantFrom(...hostileTexts.filter((text) => text !== '')),
    ),
  );
  return fc
    .record({
      who: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat({ max: callers - 1 })),
      places: fc.tuple(...places),
      query: fc.tuple(...inQuery.map((parameter) => someText(parameter, resolve))),
      headers: fc.tuple(...inHeader.map((parameter) => someText(parameter, resolve))),
      body: bodyFor(operation, resolve),
    })
    .map(({ who, places: given, query, headers, body }) => {
      const path = inPath.reduce(
        (made, { name }, at) =>
          made.replace(`{${name}}`, encodeURIComponent((given[at] ?? '').toWellFormed())),
        operation.path,
      );
      const pairs = query.flatMap((text, at): [string, string][] =>
        text === undefined ? [] : [[inQuery[at]!.name, text.toWellFormed()]],
      );
      const search = new URLSearchParams(pairs).toString();
      return {
        operation,
        who,
        path: search === '' ? path : `${path}?${search}`,
        headers: {
          ...headersOf(inHeader, headers),
          ...(body !== undefined && { 'content-type': body.type }),
        },
        ...(body !== undefined && { body: body.text }),
      };
    });
}

/** A parameter that is left out, right, or wrong. */
function someText(
  { schema = {}, required = false }: Parameter,
  resolve: Resolve,
): fc.Arbitrary<string | undefined> {
  const asText = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
  return fc.oneof(
    { weight: required ? 1 : 8, arbitrary: fc.constant(undefined) },
    { weight: 4, arbitrary: valid(schema, resolve).map(asText) },
    { weight: 1, arbitrary: hostile.map((value) => asText(value).slice(0, 2_000)) },
  );
}

function headersOf(
  parameters: readonly Parameter[],
  texts: readonly (string | undefined)[],
): Record<string, string> {
  const pairs = parameters.flatMap(({ name }, at): [string, string][] => {
    // A client cannot send other characters in a header at all.
    const text = texts[at]?.replace(/[^\x20-\x7e]/g, '?').slice(0, 300);
    // Waiting for a job is right, but would hold the fuzzer up.
    return text === undefined || name.toLowerCase() === 'prefer' ? [] : [[name.toLowerCase(), text]];
  });
  return Object.fromEntries(pairs);
}

function bodyFor(
  { body }: Operation,
  resolve: Resolve,
): fc.Arbitrary<{ type: string; text: string } | undefined> {
  if (body === undefined) {
    return fc.oneof(
      { weight: 9, arbitrary: fc.constant(undefined) },
      fc.constant({ type: 'application/json', text: '{}' }),
    );
  }
  const json = 'application/json';
  if (body.type !== json) return fc.oneof(formOf(body.schema), fc.constant({ type: json, text: '{}' }));
  const right = valid(body.schema, resolve);
  const asJson = (value: unknown) => ({ type: json, text: JSON.stringify(value) ?? '' });
  return fc.oneof(
    { weight: 4, arbitrary: right.map(asJson) },
    { weight: 5, arbitrary: mutated(right).map(asJson) },
    { weight: 1, arbitrary: hostile.map(asJson) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        { type: json, text: '' },
        { type: json, text: '{"a":1' },
        { type: json, text: '{"data":{},"data":{}}' },
        { type: json, text: '\uFEFF{}' },
        { type: json, text: '['.repeat(5_000) },
        { type: 'text/plain', text: '{}' },
        { type: 'application/x-www-form-urlencoded', text: 'type=test-job' },
        { type: 'application/xml', text: '<a/>' },
        { type: `${json}; charset=utf-7`, text: '{}' },
        { type: 'multipart/form-data; boundary=x', text: '--x--\r\n' },
      ),
    },
  );
}

/** A form with its file, and sometimes another field. */
function formOf(schema: Schema): fc.Arbitrary<{ type: string; text: string }> {
  const others = Object.keys(schema.properties ?? {}).filter((name) => name !== 'file');
  return fc
    .tuple(
      fc.constantFrom('id,name\n1,Ada\n', '', '\0\0', 'x'.repeat(2_000)),
      fc.constantFrom(...others, undefined, 'unknown'),
      fc.constantFrom(...hostileTexts),
    )
    .map(([file, field, text]) => {
      const part = (disposition: string, content: string) =>
        `--fuzz\r\ncontent-disposition: form-data; ${disposition}\r\n\r\n${content}\r\n`;
      const more = field === undefined ? '' : part(`name="${field}"`, text.toWellFormed());
      return {
        type: 'multipart/form-data; boundary=fuzz',
        text: `${more}${part('name="file"; filename="a.csv"', file)}--fuzz--\r\n`,
      };
    });
}
