import { ValidateBy, type ValidationArguments } from 'class-validator';
import { zoned } from '../../platform/http/field-patterns';

// Years that both JavaScript and PostgreSQL write with four digits, and that a trip can be in.
const EARLIEST = Date.UTC(2000, 0, 1);
const LATEST = Date.UTC(2100, 0, 1);

function momentIn(value: unknown): number | undefined {
  if (typeof value !== 'string' || value.length > 40 || !zoned.test(value)) return undefined;
  const moment = Date.parse(value);
  return moment >= EARLIEST && moment < LATEST ? moment : undefined;
}

/** A text with a date, a time and a zone, between 2000 and 2099. */
export const IsMoment = (): PropertyDecorator =>
  ValidateBy({
    name: 'isMoment',
    validator: {
      validate: (value) => momentIn(value) !== undefined,
      defaultMessage: (args) =>
        `${args?.property} must be a date and a time with a time zone from 2000 to 2099, such as 2030-01-31T08:00:00Z`,
    },
  });

/** Later than another member of the same object, where both are moments. */
export const IsAfter = (other: string): PropertyDecorator =>
  ValidateBy({
    name: 'isAfter',
    constraints: [other],
    validator: {
      validate: (value, args?: ValidationArguments) => {
        const start = momentIn((args?.object as Readonly<Record<string, unknown>> | undefined)?.[other]);
        const end = momentIn(value);
        return start === undefined || end === undefined || end > start;
      },
      defaultMessage: (args) => `${args?.property} must be later than ${other}`,
    },
  });
