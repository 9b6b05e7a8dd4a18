import { escapedText, fittingText } from './cell-text';

export type CellType = 'text' | 'number' | 'boolean' | 'time';

/** Times are epoch milliseconds; null is an empty cell. */
export type Cell = string | number | boolean | null;

export interface SheetColumn {
  readonly name: string;
  readonly type: CellType;
}

const DAY_MS = 86_400_000;
// Excel counts days from 1899-12-30; before 1900-03-01 its calendar has a day that never was.
const EPOCH_DAY = 25_569;
const FIRST_DAY = 61;
const END_OF_DAYS = 2_958_466;

/** The styles of `workbook-parts.ts`, by their place there. */
const TIME_STYLE = 1;
const FORMULA_LIKE_STYLE = 2;

const formulaStart = /^[=+\-@\t\r]/;

export const sheetStart =
  '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' +
  '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>';
export const sheetEnd = '</sheetData></worksheet>';

/** Writes the rows of a sheet. Texts are inline strings, which no spreadsheet takes for formulas. */
export class RowWriter {
  private readonly letters: readonly string[];
  /** How many texts were longer than a cell. */
  cutTexts = 0;

  constructor(private readonly columns: readonly SheetColumn[]) {
    this.letters = columns.map((_column, at) => letterOf(at));
  }

  header(): string {
    const cells = this.columns.map(({ name }, at) => this.text(`${this.letters[at]}1`, name));
    return `<row r="1">${cells.join('')}</row>`;
  }

  row(number: number, cells: readonly Cell[]): string {
    let xml = `<row r="${number}">`;
    for (let at = 0; at < cells.length; at += 1) {
      const cell = cells[at];
      if (cell == null) continue;
      xml += this.cell(this.letters[at]! + number, this.columns[at]!.type, cell);
    }
    return `${xml}</row>`;
  }

  private cell(reference: string, type: CellType, cell: string | number | boolean): string {
    if (typeof cell === 'boolean') return `<c r="${reference}" t="b"><v>${cell ? 1 : 0}</v></c>`;
    if (typeof cell === 'string') return this.text(reference, cell);
    if (type !== 'time') return `<c r="${reference}"><v>${cell}</v></c>`;
    const day = cell / DAY_MS + EPOCH_DAY;
    if (day < FIRST_DAY || day >= END_OF_DAYS) return this.text(reference, new Date(cell).toISOString());
    return `<c r="${reference}" s="${TIME_STYLE}"><v>${day}</v></c>`;
  }

  private text(reference: string, whole: string): string {
    const text = fittingText(whole);
    if (text.length < whole.length) this.cutTexts += 1;
    // Stays a text when somebody edits the cell.
    const style = formulaStart.test(text) ? ` s="${FORMULA_LIKE_STYLE}"` : '';
    return `<c r="${reference}"${style} t="inlineStr"><is><t xml:space="preserve">${escapedText(text)}</t></is></c>`;
  }
}

function letterOf(at: number): string {
  return (at < 26 ? '' : letterOf(Math.floor(at / 26) - 1)) + String.fromCharCode(65 + (at % 26));
}
