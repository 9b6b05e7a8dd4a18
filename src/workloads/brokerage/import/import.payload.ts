import { IsIn, IsOptional, IsString, Length, Matches, ValidateBy, ValidateIf } from 'class-validator';
import { isTimeZone } from '../../../platform/schedules/cron-turns';
import { tradeFields, type ColumnNames } from '../trade-columns';
import type { DateOrder, DecimalSeparator } from '../trade-cells';

/** Document 000 gives this name. */
export const PROCESS_CSV = 'process-csv';

const MAX_COLUMN_CHARACTERS = 200;
// PostgreSQL has no text with a NUL in it, and its JSON no half of a character.
const printable = /^[^\p{Cc}\p{Cs}]+$/u;

/** Unlike class-validator's own decorator this does not let null through. */
const mayBeLeftOut = () => ValidateIf((_payload, value) => value !== undefined);

const areColumns = () =>
  ValidateBy({
    name: 'areColumns',
    validator: {
      validate: (value) =>
        typeof value === 'object' &&
        value !== null &&
        !Array.isArray(value) &&
        Object.entries(value).every(
          ([field, name]) =>
            (tradeFields as readonly string[]).includes(field) &&
            typeof name === 'string' &&
            name.length <= MAX_COLUMN_CHARACTERS &&
            printable.test(name),
        ),
      defaultMessage: (args) =>
        `${args?.property} must name a column of the file for some of ${tradeFields.join(', ')}`,
    },
  });

/** Payload of `process-csv`, with the fields of document 000 and how the file is to be read. */
export class ProcessCsvPayload {
  /** A file of /api/files, of the tenant that the job belongs to. */
  @IsString()
  @Length(1, 100)
  @Matches(printable, { message: '$property must be text without control characters' })
  fileId!: string;

  /** Whose trades they are, as the application calls its users. */
  @IsString()
  @Length(1, 255)
  @Matches(printable, { message: '$property must be text without control characters' })
  userId!: string;

  /** The names of columns by what is read from them; those that are left out are found by their usual names. */
  @mayBeLeftOut()
  @areColumns()
  columns?: ColumnNames;

  /** What `01/02/2024` means; January 2nd unless it is given. */
  @IsOptional()
  @IsIn(['MDY', 'DMY'])
  dateOrder?: DateOrder;

  @IsOptional()
  @IsIn(['.', ','])
  decimalSeparator?: DecimalSeparator;

  /** Where clocks without a zone hang; UTC unless it is given. */
  @mayBeLeftOut()
  @ValidateBy({
    name: 'isTimeZone',
    validator: {
      validate: (value) => typeof value === 'string' && isTimeZone(value),
      defaultMessage: (args) => `${args?.property} must be the name of a time zone, such as America/New_York`,
    },
  })
  timeZone?: string;

  /** Of rows that name none. */
  @mayBeLeftOut()
  @IsString()
  @Matches(/^[A-Z]{3,10}$/, { message: '$property must be the code of a currency, such as USD' })
  currency?: string;
}
