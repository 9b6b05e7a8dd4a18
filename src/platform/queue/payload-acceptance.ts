import { defaultMetadataStorage as transforms } from 'class-transformer/cjs/storage';
import { getMetadataStorage, ValidationTypes, type ValidationArguments } from 'class-validator';
import type { PayloadClass } from './define-queue';

type Metadata = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

type Check = (object: object, value: unknown) => boolean;

interface Field {
  /** Where one says no, the others are not asked, and the field is fine. */
  readonly conditions: readonly Check[];
  readonly checks: readonly Check[];
}

/** Makes an instance of plain data that its class surely accepts; undefined where class-validator has to be asked. */
export type Acceptance<T extends object> = (data: object) => T | undefined;

const acceptances = new WeakMap<PayloadClass, Acceptance<object>>();

/**
 * The quick half of a payload check, built once from the decorators of the class and with their own validators.
 * It takes flat payloads only; what it does not take may be right all the same. class-validator reads its
 * metadata anew for each payload, which costs more than BullMQ needs for the whole job.
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
    const field =
      metadata.every(isPlain) && !isTransformed(type, name) ? fieldOf(metadata, type.name) : undefined;
    if (field === undefined) return never;
    byField.set(name, field);
  }
  const known = (name: string) => byField.has(name);
  if (byField.size === 0 || !Object.keys(new type()).every(known)) return never;
  const fields = [...byField];
  return (data) => {
    if (Object.getPrototypeOf(data) !== Object.prototype) return undefined;
    for (const [name, value] of Object.entries(data)) {
      if (!known(name) || (typeof value === 'object' && value !== null) || typeof value === 'function') {
        return undefined;
      }
    }
    const payload = Object.assign(new type(), data);
    return fields.every(([name, field]) => accepts(field, payload, payload[name as keyof T]))
      ? payload
      : undefined;
  };
}

function accepts({ conditions, checks }: Field, object: object, value: unknown): boolean {
  for (const condition of conditions) if (!condition(object, value)) return true;
  for (const check of checks) if (!check(object, value)) return false;
  return true;
}

function fieldOf(metadata: readonly Metadata[], targetName: string): Field | undefined {
  const conditions: Check[] = [];
  const checks: Check[] = [];
  for (const one of metadata) {
    if (one.type === ValidationTypes.CONDITIONAL_VALIDATION) {
      conditions.push(one.constraints[0] as Check);
    } else if (one.type === ValidationTypes.CUSTOM_VALIDATION) {
      for (const constraint of getMetadataStorage().getTargetValidatorConstraints(one.constraintCls)) {
        if (constraint.async) return undefined;
        checks.push(checkOf(one, constraint.instance, targetName));
      }
    } else if (one.type !== ValidationTypes.WHITELIST) return undefined;
  }
  return { conditions, checks };
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

function isPlain({ each, groups, validateIf }: Metadata): boolean {
  return !each && (groups?.length ?? 0) === 0 && validateIf === undefined;
}

/** Whether class-transformer would do more to the field than copy it. */
function isTransformed(type: PayloadClass, field: string): boolean {
  return (
    transforms.getStrategy(type) !== 'none' ||
    transforms.findTypeMetadata(type, field) !== undefined ||
    transforms.findExposeMetadata(type, field) !== undefined ||
    transforms.findExcludeMetadata(type, field) !== undefined ||
    [0, 1, 2].some((direction) => transforms.findTransformMetadatas(type, field, direction).length > 0)
  );
}
