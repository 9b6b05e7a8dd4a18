import { defaultMetadataStorage as transforms } from 'class-transformer/cjs/storage';
import { getMetadataStorage, ValidationTypes, type ValidationArguments } from 'class-validator';
import type { PayloadClass } from './define-queue';

type Metadata = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

type Check = (object: object, value: unknown) => boolean;

interface Field {
  /** Where one says no, the others are not asked, and the field is fine. */
  readonly conditions: readonly Check[];
  readonly checks: readonly Check[];
  /** Nested, or a list of nested ones: only a payload without it is taken. */
  readonly isDeep: boolean;
}

/** Makes an instance of plain data that its class surely accepts; undefined where class-validator has to be asked. */
export type Acceptance<T extends object> = (data: object) => T | undefined;

const acceptances = new WeakMap<PayloadClass, Acceptance<object>>();

/**
 * The quick half of a payload check, built once from the decorators of the class and with their own validators.
 * It takes fields that are texts, numbers and the like, or lists and objects of those; what it does not take may be right
 * all the same. class-validator reads its metadata anew for each payload, which costs more than BullMQ needs for the job.
 */
export function acceptanceOf<T extends object>(type: PayloadClass<T>): Acceptance<T> {
  let acceptance = acceptances.get(type);
  if (acceptance === undefined) {
    acceptance = compile(type);
    acceptances.set(type, acceptance);
  }
  return acceptance as Acceptance<T>;
}

function compile<T extends object>(type: PayloadClass<T>): Acceptance<T> {
  const never = () => undefined;
  const storage = getMetadataStorage();
  const found = storage.getTargetValidationMetadatas(type, '', false, false);
  const byField = new Map<string, Field>();
  for (const [name, metadata] of Object.entries(storage.groupByPropertyName(found))) {
    const isKnown = metadata.every(isUnconditional) && !isTransformed(type, name);
    const field = isKnown ? fieldOf(type, metadata) : undefined;
    if (field === undefined) return never;
    byField.set(name, field);
  }
  const known = (name: string) => byField.has(name);
  if (byField.size === 0 || !Object.keys(new type()).every(known)) return never;
  const fields = [...byField];
  return (data) => {
    if (Object.getPrototypeOf(data) !== Object.prototype) return undefined;
    for (const [name, value] of Object.entries(data)) {
      if (!known(name) || !(isSimple(value) || isShallow(value))) return undefined;
    }
    const payload = Object.assign(new type(), data);
    return fields.every(([name, field]) => accepts(field, payload, payload[name as keyof T]))
      ? payload
      : undefined;
  };
}

function isSimple(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function');
}

/** A list or an object of simple values, of which class-transformer would make just such another. */
function isShallow(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isSimple);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return false;
  }
  // It passes over names that every object has.
  return Object.entries(value).every(
    ([name, one]) => !(name in Object.prototype) && one !== undefined && isSimple(one),
  );
}

function accepts({ conditions, checks, isDeep }: Field, object: object, value: unknown): boolean {
  if (isDeep && value !== undefined) return false;
  for (const condition of conditions) if (!condition(object, value)) return true;
  if (isDeep) return false;
  for (const check of checks) if (!check(object, value)) return false;
  return true;
}

function fieldOf(type: PayloadClass, metadata: readonly Metadata[]): Field | undefined {
  const conditions: Check[] = [];
  const checks: Check[] = [];
  const isNested = (one: Metadata) => one.each || one.type === ValidationTypes.NESTED_VALIDATION;
  const isDeep =
    metadata.some(isNested) ||
    transforms.findTypeMetadata(type, metadata[0]?.propertyName ?? '') !== undefined;
  for (const one of metadata) {
    if (one.type === ValidationTypes.CONDITIONAL_VALIDATION) {
      conditions.push(one.constraints[0] as Check);
    } else if (isDeep) {
      continue;
    } else if (one.type === ValidationTypes.CUSTOM_VALIDATION) {
      for (const constraint of getMetadataStorage().getTargetValidatorConstraints(one.constraintCls)) {
        if (constraint.async) return undefined;
        checks.push(checkOf(one, constraint.instance, type.name));
      }
    } else if (one.type !== ValidationTypes.WHITELIST) return undefined;
  }
  return { conditions, checks, isDeep };
}

function checkOf(
  { propertyName, constraints }: Metadata,
  validator: { validate(value: unknown, args?: ValidationArguments): Promise<boolean> | boolean },
  targetName: string,
): Check {
  return (object, value) =>
    // A promise says nothing yet: its payload goes the long way.
    validator.validate(value, { value, constraints, targetName, object, property: propertyName }) === true;
}

function isUnconditional({ groups, validateIf }: Metadata): boolean {
  return (groups?.length ?? 0) === 0 && validateIf === undefined;
}

/** Whether class-transformer would do more to the field than copy it, or make instances for it. */
function isTransformed(type: PayloadClass, field: string): boolean {
  return (
    transforms.getStrategy(type) !== 'none' ||
    transforms.findExposeMetadata(type, field) !== undefined ||
    transforms.findExcludeMetadata(type, field) !== undefined ||
    [0, 1, 2].some((direction) => transforms.findTransformMetadatas(type, field, direction).length > 0)
  );
}
