import type { FindingCatalog } from './finding-catalog';

/** The numbers of the findings that a row can have whatever the rules are. */
export type StructureKinds = ReturnType<typeof defineStructure>;

/** Adds the findings about a row's form to a catalog. */
export function defineStructure(catalog: FindingCatalog, width: number, needsValues: boolean) {
  const define = (rule: string, message: string, severity: 'error' | 'warning' = 'error') =>
    catalog.define({ rule, column: null, severity, message });
  return {
    tooFew: define(
      'too_few_cells',
      `The row has fewer cells than the header line, which has ${width}; add what is missing.`,
    ),
    tooMany: define(
      'too_many_cells',
      `The row has more cells than the header line, which has ${width}; put quotes around a cell that holds the delimiter.`,
    ),
    emptyRow: define(
      'empty_row',
      'Every cell of the row is empty; fill it in or delete the row.',
      needsValues ? 'error' : 'warning',
    ),
    unterminatedQuote: define(
      'unterminated_quote',
      'A cell begins with a quote that is never closed; close it, or write two quotes where one is meant.',
    ),
    textAfterQuote: define(
      'text_after_quote',
      'Text follows the closing quote of a cell; write two quotes where one is meant inside the cell.',
    ),
    strayQuote: define(
      'stray_quote',
      'A quote stands inside a cell without quotes around it; put the cell in quotes and double the inner one.',
      'warning',
    ),
    strayReturn: define(
      'stray_line_end',
      'A carriage return stands inside a cell; remove it, or put the cell in quotes.',
      'warning',
    ),
    nulByte: define('nul_byte', 'The row holds a NUL character; remove it, or export the file again.'),
    invalidEncoding: define(
      'invalid_encoding',
      'The row holds bytes that are no letters in the encoding of the file; export the file as UTF-8.',
    ),
  };
}
