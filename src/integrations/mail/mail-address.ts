import { isEmail, registerDecorator } from 'class-validator';

const MAX_ADDRESS_CHARACTERS = 254;

/** Whether a text is one address and nothing else: no name, no list, no line break that a header could begin after. */
export function isMailAddress(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= MAX_ADDRESS_CHARACTERS &&
    /^[\x21-\x2b\x2d-\x39\x3d\x3f-\x7e@]+$/.test(value) &&
    isEmail(value, { require_tld: false, allow_ip_domain: true })
  );
}

/** What tells two spellings of an address from two addresses: the case of its domain does not count, nor here its name's. */
export function plainAddress(address: string): string {
  return address.toLowerCase();
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}

/** One address, or a list of at most so many, each of them checked by itself. */
export function IsMailAddresses(max: number): PropertyDecorator {
  return (target, propertyName) =>
    registerDecorator({
      name: 'isMailAddresses',
      target: target.constructor,
      propertyName: String(propertyName),
      constraints: [max],
      validator: {
        validate: (value: unknown) => {
          const all: unknown[] = Array.isArray(value) ? value : [value];
          return all.length > 0 && all.length <= max && all.every(isMailAddress);
        },
        defaultMessage: () =>
          `$property must be one mail address, or a list of at most ${max}, without names and line breaks`,
      },
    });
}

/** One address. */
export function IsMailAddress(): PropertyDecorator {
  return (target, propertyName) =>
    registerDecorator({
      name: 'isMailAddress',
      target: target.constructor,
      propertyName: String(propertyName),
      validator: {
        validate: isMailAddress,
        defaultMessage: () => '$property must be one mail address, without a name',
      },
    });
}
