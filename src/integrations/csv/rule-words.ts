/** The words that a rule set is made of; kept apart from its classes, which threads without decorators cannot load. */
export const severities = ['info', 'warning', 'error'] as const;
export type Severity = (typeof severities)[number];

export const columnTypes = [
  'string',
  'integer',
  'decimal',
  'boolean',
  'date',
  'email',
  'url',
  'uuid',
  'phone',
  'enum',
] as const;
export type ColumnType = (typeof columnTypes)[number];

export const comparisonOperators = ['<', '<=', '>', '>=', '=', '!='] as const;
export type ComparisonOperator = (typeof comparisonOperators)[number];

export const testOperators = [...comparisonOperators, 'in', 'notIn', 'empty', 'notEmpty', 'matches'] as const;
export type TestOperator = (typeof testOperators)[number];

export const delimiters = [',', ';', '\t', '|'] as const;
export type Delimiter = (typeof delimiters)[number];

export const textEncodings = ['utf-8', 'windows-1252', 'iso-8859-1', 'utf-16le', 'utf-16be'] as const;
export type TextEncoding = (typeof textEncodings)[number];
