import { plainToInstance } from 'class-transformer';
import { getMetadataStorage } from 'class-validator';
import type { JobDefinition, PayloadClass, QueueDefinition } from '../queue/define-queue';

export type PlainValue = string | number | boolean | null | PlainValue[] | { [key: string]: PlainValue };

export interface FieldContract {
  /** The declared class: String, Number, Boolean, Array or one of ours. */
  readonly type: string;
  readonly required: boolean;
  /** What class-validator checks, by rule; `each` before the name of a rule for the items of a list. */
  readonly rules: Readonly<Record<string, PlainValue[]>>;
  /** The fields of the object, or of each object of the list. */
  readonly fields?: Fields;
}

export type Fields = Readonly<Record<string, FieldContract>>;

/** What payloads of one job type look like: the promise to every job that was accepted under it. */
export interface JobContract {
  readonly queue: string;
  readonly version: number;
  readonly fields: Fields;
}

export type Contracts = Readonly<Record<string, JobContract>>;

const MAX_DEPTH = 20;

/** The contracts of the queues' job types as they are declared now, by type. Needs `reflect-metadata`. */
export function contractsOf(definitions: readonly QueueDefinition[]): Contracts {
  const all = definitions.flatMap(({ name, jobs }) =>
    Object.entries(jobs).map(([type, job]) => [type, contractOf(name, job)] as const),
  );
  return Object.fromEntries(all.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

function contractOf(queue: string, { payload, version = 1 }: JobDefinition): JobContract {
  return { queue, version, fields: fieldsOf(payload) };
}

function fieldsOf(payload: PayloadClass, depth = 0): Fields {
  const storage = getMetadataStorage();
  const metadata = storage.getTargetValidationMetadatas(payload, '', false, false);
  const byName = Object.entries(storage.groupByPropertyName(metadata));
  return Object.fromEntries(
    byName
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, checks]) => [name, fieldOf(payload, name, checks, depth)]),
  );
}

type Checks = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>;

function fieldOf(payload: PayloadClass, name: string, checks: Checks, depth: number): FieldContract {
  const declared = Reflect.getMetadata('design:type', payload.prototype as object, name) as
    PayloadClass | undefined;
  const isNested = checks.some(({ type }) => type === 'nestedValidation');
  const nested = isNested ? nestedClass(payload, name, declared?.name === 'Array') : undefined;
  return {
    type: declared?.name ?? 'Object',
    required: !checks.some(({ name: rule }) => rule === 'isOptional'),
    rules: rulesOf(checks),
    // A class that holds itself would never end.
    ...(nested !== undefined && depth < MAX_DEPTH && { fields: fieldsOf(nested, depth + 1) }),
  };
}

/** The class that the payload check makes of the field's objects, found by letting it make one. */
function nestedClass(payload: PayloadClass, name: string, isList: boolean): PayloadClass | undefined {
  const made = plainToInstance(payload, { [name]: isList ? [{}] : {} }) as Record<string, unknown>;
  const value = made[name];
  const inner: unknown = Array.isArray(value) ? value[0] : value;
  const { constructor } = inner ?? {};
  return constructor === Object ? undefined : (constructor as PayloadClass);
}

function rulesOf(checks: Checks): Record<string, PlainValue[]> {
  const rules: Record<string, PlainValue[]> = {};
  const named = checks.filter(({ name, type }) => name !== 'isOptional' && type !== 'whitelistValidation');
  for (const { name, type, each, constraints } of named) {
    const rule = `${each ? 'each ' : ''}${name ?? type}`;
    // The same rule twice, such as two patterns, are two rules.
    let key = rule;
    for (let count = 2; key in rules; count += 1) key = `${rule} ${count}`;
    rules[key] = constraintsOf(name, constraints as readonly unknown[] | undefined);
  }
  return Object.fromEntries(Object.entries(rules).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

function constraintsOf(name: string | undefined, constraints: readonly unknown[] = []): PlainValue[] {
  // The enumeration itself says the same as its values, which come second.
  return (name === 'isEnum' ? constraints.slice(1) : constraints).map(plain);
}

function plain(value: unknown): PlainValue {
  if (typeof value === 'function') return `function ${value.name}`;
  if (value instanceof RegExp) return String(value);
  return JSON.parse(
    JSON.stringify(value, (_key, inner: unknown) => (inner instanceof RegExp ? String(inner) : inner)) ??
      'null',
  ) as PlainValue;
}
