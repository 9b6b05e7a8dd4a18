import { Readable, type PassThrough } from 'node:stream';
import { ZipFile } from 'yazl';
import { RowWriter, sheetEnd, sheetStart, type Cell, type SheetColumn } from './sheet-xml';
import { sheetPath, workbookParts } from './workbook-parts';

/** A sheet of Excel has no more rows, its header among them. */
export const MAX_SHEET_ROWS = 1_048_576;

export type CellRows = readonly (readonly Cell[])[];

export interface WorkbookOptions {
  /** Of the sheets; at most 25 letters, digits, spaces and dashes. */
  readonly name: string;
  readonly columns: readonly SheetColumn[];
  readonly modifiedAt: Date;
  readonly maxSheetRows?: number;
}

// The fastest level; others make the file a fifth smaller and take twice as long.
const compressionLevel = 1;

/** Rows in groups of any size, as an xlsx file that is written while they come, at the pace of whoever reads it. */
export class WorkbookWriter {
  private readonly zip = new ZipFile();
  private readonly rows: RowWriter;
  private readonly source: AsyncIterator<CellRows>;
  private group: CellRows = [];
  private at = 0;
  private sheets = 0;
  private current?: Readable;

  constructor(
    groups: AsyncIterable<CellRows>,
    private readonly options: WorkbookOptions,
  ) {
    this.rows = new RowWriter(options.columns);
    this.source = groups[Symbol.asyncIterator]();
  }

  /** How many texts were longer than a cell, and end where the cell does. */
  get cutTexts(): number {
    return this.rows.cutTexts;
  }

  /** The bytes of the file; to be called once. Fails with the error of the rows; whoever destroys it ends the rows. */
  stream(): Readable {
    const output = this.zip.outputStream as PassThrough;
    this.zip.on('error', (error: Error) => output.destroy(error));
    output.once('close', () => this.current?.destroy());
    this.addSheet(output);
    return output;
  }

  private addSheet(output: PassThrough): void {
    this.sheets += 1;
    const sheet = Readable.from(this.sheet(output), { objectMode: false });
    sheet.on('error', (error) => output.destroy(error));
    this.current = sheet;
    this.zip.addReadStream(sheet, sheetPath(this.sheets), {
      compressionLevel,
      mtime: this.options.modifiedAt,
    });
  }

  private async *sheet(output: PassThrough): AsyncGenerator<Buffer> {
    let isWhole = false;
    try {
      yield Buffer.from(sheetStart + this.rows.header());
      const maxRows = this.options.maxSheetRows ?? MAX_SHEET_ROWS;
      let number = 1;
      while (number < maxRows && (await this.hasMore())) {
        // Row by row, because one text of many pieces would keep all of them until its end.
        const rows: Buffer[] = [];
        while (number < maxRows && this.at < this.group.length) {
          number += 1;
          rows.push(Buffer.from(this.rows.row(number, this.group[this.at]!)));
          this.at += 1;
        }
        yield Buffer.concat(rows);
      }
      yield Buffer.from(sheetEnd);
      if (await this.hasMore()) this.addSheet(output);
      else this.finish();
      isWhole = true;
    } finally {
      if (!isWhole) await this.source.return?.();
    }
  }

  private async hasMore(): Promise<boolean> {
    while (this.at >= this.group.length) {
      const next = await this.source.next();
      if (next.done === true) return false;
      this.group = next.value;
      this.at = 0;
    }
    return true;
  }

  private finish(): void {
    const { name, modifiedAt: mtime } = this.options;
    for (const [path, text] of Object.entries(workbookParts(name, this.sheets))) {
      this.zip.addBuffer(Buffer.from(text), path, { compressionLevel, mtime });
    }
    this.zip.end();
  }
}
