import { createHash } from 'node:crypto';
import type { BrokerActivity } from '../../integrations/broker/broker-activity';
import { magnitudeOf, negated } from '../../integrations/broker/decimal-amount';
import { beginningOf, textOf } from '../../integrations/csv/cell-text';
import { openFile, type OpenFile } from '../../integrations/csv/csv-file';
import type { Dialect } from '../../integrations/csv/dialect';
import { FindingCatalog } from '../../integrations/csv/finding-catalog';
import { mapHeader, type HeaderMap } from '../../integrations/csv/header';
import { memoryFor } from '../../integrations/csv/record-scanner';
import { RowChecker } from '../../integrations/csv/row-checker';
import { amountOf, momentOf, sideOf, type DateOrder, type DecimalSeparator } from './trade-cells';
import {
  columnsMissing,
  findColumns,
  tradeFields,
  type ColumnNames,
  type ColumnPlaces,
  type TradeField,
} from './trade-columns';

/** How a file of trades is to be read; what is left out is found out, or usual. */
export interface TradeFileOptions {
  readonly columns?: ColumnNames;
  readonly dateOrder?: DateOrder;
  readonly decimalSeparator?: DecimalSeparator;
  readonly timeZone?: string;
  /** Of rows that name none. */
  readonly currency?: string;
}

/** One row: a trade, or what is wrong with it; both when it is only odd. */
export interface TradeRow {
  /** 1 is the first row after the header line. */
  readonly row: number;
  readonly line: number;
  readonly trade?: BrokerActivity;
  readonly findings: readonly RowFinding[];
}

export interface RowFinding {
  /** Its number in the catalog. */
  readonly kind: number;
  readonly value: string | null;
}

// Brokers put titles and accounts before the header line.
const MAX_LINES_BEFORE_HEADER = 20;
const MAX_RECORD_BYTES = 64 * 1024;
const MAX_VALUE_CHARACTERS = 200;
const MAX_ID_CHARACTERS = 200;
const symbolShape = /^[\x21-\x7e](?:[\x20-\x7e]{0,48}[\x21-\x7e])?$/;
const currencyShape = /^[A-Z]{3,10}$/;

type Problem = readonly [field: TradeField, rule: string, message: string];

/** Reads trades from a CSV file, row by row, with bounded memory; `close` it. */
export class TradeFile {
  readonly catalog = new FindingCatalog();
  /** The columns that were found, by field. */
  readonly columns: ColumnNames;
  private readonly header: HeaderMap;
  private readonly checker: RowChecker;
  private readonly kinds = new Map<string, number>();
  private readonly seen = new Map<string, number>();
  private row = 0;
  private hasMore = true;

  private constructor(
    private readonly file: OpenFile,
    private readonly names: readonly string[],
    private readonly places: ColumnPlaces,
    private readonly options: TradeFileOptions,
  ) {
    this.header = mapHeader([...names], undefined, this.catalog);
    const { mayBeDamaged, mayHaveNul } = file.encoding;
    this.checker = new RowChecker(this.header, undefined, this.catalog, { mayBeDamaged, mayHaveNul });
    this.columns = Object.fromEntries(
      tradeFields.flatMap((field) => {
        const at = places[field];
        return at === undefined ? [] : [[field, (names[at] ?? '').slice(0, MAX_VALUE_CHARACTERS)]];
      }),
    );
  }

  /** Throws UnreadableFileError for what is no CSV, or has no columns of trades. */
  static async open(path: string, options: TradeFileOptions = {}): Promise<TradeFile> {
    const file = await openFile(
      path,
      undefined,
      new Uint8Array(memoryFor(MAX_RECORD_BYTES)),
      MAX_RECORD_BYTES,
    );
    try {
      let names = file.header;
      let places = findColumns(names, options.columns);
      for (let skipped = 0; places === undefined && skipped < MAX_LINES_BEFORE_HEADER; skipped += 1) {
        if (!readOn(file)) break;
        names = cellsOf(file);
        places = findColumns(names, options.columns);
      }
      if (places === undefined) throw columnsMissing(file.header, options.columns);
      return new TradeFile(file, names, places, options);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  get dialect(): Dialect {
    return this.file.dialect;
  }

  /** How much of the file has been read, 0 to 1. */
  get share(): number {
    return this.file.share();
  }

  /** Findings about the file itself, as those of a row 0. */
  ofFile(): TradeRow | undefined {
    const { ofFile } = this.catalog;
    if (ofFile.length === 0) return undefined;
    return { row: 0, line: 1, findings: ofFile.map((kind) => ({ kind, value: null })) };
  }

  /** The next row; undefined at the end. */
  next(): TradeRow | undefined {
    this.hasMore = this.hasMore && readOn(this.file);
    if (!this.hasMore) return undefined;
    const { checker, file } = this;
    const { scanner } = file;
    this.row += 1;
    const place = { row: this.row, line: scanner.line };
    checker.check(scanner);
    const findings: RowFinding[] = checker.found.map((kind) => ({ kind, value: null }));
    if (checker.hasError || !checker.isShaped) return { ...place, findings };
    const trade = this.tradeOf();
    if (!Array.isArray(trade)) return { ...place, findings, trade };
    return { ...place, findings: [...findings, ...trade.map((problem) => this.note(problem))] };
  }

  close(): void {
    this.file.close();
  }

  private tradeOf(): BrokerActivity | Problem[] {
    const { options } = this;
    const problems: Problem[] = [];
    const sideText = this.text('side');
    const side = sideText === undefined || sideText === '' ? undefined : sideOf(sideText);
    if (side === 'other') {
      return [['side', 'not_a_trade', 'The row is neither a purchase nor a sale, and was left out.']];
    }
    const symbol = this.text('symbol') ?? '';
    if (!symbolShape.test(symbol)) {
      problems.push(['symbol', 'symbol', 'Write the symbol in 1 to 50 plain letters, digits and signs.']);
    }
    const amount = (field: TradeField) => amountOf(this.text(field) ?? '', options.decimalSeparator);
    const quantity = amount('quantity');
    if (quantity === undefined || quantity === '0') {
      problems.push(['quantity', 'number', `Write a number other than 0, such as ${this.example('12.5')}.`]);
    }
    const price = amount('price');
    if (price === undefined || price.startsWith('-')) {
      problems.push(['price', 'number', `Write a price from 0 on, such as ${this.example('182.31')}.`]);
    }
    const fee = (this.text('fee') ?? '') === '' ? undefined : amount('fee');
    if (fee === undefined && (this.text('fee') ?? '') !== '') {
      problems.push(['fee', 'number', `Write a number, such as ${this.example('1.25')}, or nothing.`]);
    }
    const occurredAt = this.moment();
    if (occurredAt === undefined) {
      problems.push([
        'occurredAt',
        'date',
        'Write a date that exists, such as 2024-01-31 or 2024-01-31T09:30:00Z.',
      ]);
    }
    const currency = (this.text('currency') || options.currency) ?? '';
    if (currency !== '' && !currencyShape.test(currency)) {
      problems.push(['currency', 'currency', 'Write the code of a currency, such as USD, or nothing.']);
    }
    if (problems.length > 0 || quantity === undefined || price === undefined || occurredAt === undefined) {
      return problems;
    }
    const isSale = side === undefined ? quantity.startsWith('-') : side === 'sell';
    const magnitude = magnitudeOf(quantity);
    return this.identified({
      kind: 'trade',
      type: 'TRADE',
      symbol,
      side: isSale ? 'sell' : 'buy',
      quantity: isSale ? negated(magnitude) : magnitude,
      price,
      occurredAt,
      ...(fee !== undefined && { fee: magnitudeOf(fee) }),
      ...(currency !== '' && { currency }),
    });
  }

  /** By the file's own id, else by all that the trade is: of rows that are alike each has its number. */
  private identified(trade: Omit<BrokerActivity, 'externalId'>): BrokerActivity | Problem[] {
    const id = this.text('externalId') ?? '';
    if (id.length > MAX_ID_CHARACTERS) {
      return [['externalId', 'id', `Write at most ${MAX_ID_CHARACTERS} characters.`]];
    }
    if (id !== '') return { externalId: `id:${id}`, ...trade };
    const { occurredAt, symbol, quantity, price, fee, currency } = trade;
    const whole = JSON.stringify([occurredAt.getTime(), symbol, quantity, price, fee, currency]);
    const digest = createHash('sha256').update(whole).digest('base64url').slice(0, 22);
    const count = (this.seen.get(digest) ?? 0) + 1;
    this.seen.set(digest, count);
    return { externalId: `row:${digest}:${count}`, ...trade };
  }

  private moment(): Date | undefined {
    const date = this.text('occurredAt') ?? '';
    const time = this.text('time') ?? '';
    const hasTime = /\d:\d/.test(date);
    return momentOf(time === '' || hasTime ? date : `${date} ${time}`, this.options);
  }

  private text(field: TradeField): string | undefined {
    const at = this.places[field];
    if (at === undefined) return undefined;
    const { bytes, starts, ends } = this.file.scanner;
    return textOf(bytes, starts[at]!, ends[at]!).trim();
  }

  private note([field, rule, message]: Problem): RowFinding {
    const cell = this.places[field];
    const column = cell === undefined ? null : (this.names[cell] ?? null);
    const name = `${rule} ${field}`;
    let kind = this.kinds.get(name);
    if (kind === undefined) {
      const severity = rule === 'not_a_trade' ? 'warning' : 'error';
      kind = this.catalog.define({ rule, column, severity, message, ...(cell !== undefined && { cell }) });
      this.kinds.set(name, kind);
    }
    this.catalog.counts[kind]! += 1;
    return { kind, value: cell === undefined ? null : this.shown(cell) };
  }

  private shown(cell: number): string | null {
    const { bytes, starts, ends } = this.file.scanner;
    if (starts[cell]! >= ends[cell]!) return null;
    return Buffer.from(beginningOf(bytes, starts[cell]!, ends[cell]!, MAX_VALUE_CHARACTERS)).toString('utf8');
  }

  private example(amount: string): string {
    return this.options.decimalSeparator === ',' ? amount.replace('.', ',') : amount;
  }
}

/** Steps to the next record; false at the end. */
function readOn({ scanner, fill }: OpenFile): boolean {
  for (let hasMore = true; !scanner.next(); hasMore = fill()) if (!hasMore) return false;
  return true;
}

function cellsOf({ scanner: { bytes, starts, ends, count } }: OpenFile): string[] {
  return Array.from({ length: Math.min(count, starts.length) }, (_, i) =>
    textOf(bytes, starts[i]!, ends[i]!),
  );
}
