import { columnKey } from '../../integrations/csv/header';
import { UnreadableFileError } from '../../integrations/csv/unreadable-file';

/** What a trade is read from; the names are those under which callers map columns. */
export const tradeFields = [
  'externalId',
  'symbol',
  'side',
  'quantity',
  'price',
  'fee',
  'occurredAt',
  'time',
  'currency',
] as const;
export type TradeField = (typeof tradeFields)[number];

/** The name of a column of the file, for some of the fields. */
export type ColumnNames = { readonly [Field in TradeField]?: string };

/** The place of each field's column in the file. */
export type ColumnPlaces = { readonly [Field in TradeField]?: number };

const required: readonly TradeField[] = ['symbol', 'quantity', 'price', 'occurredAt'];

// As exports of brokers call them, the more telling first; case, spaces, `_` and `-` make no difference.
const usualNames: Readonly<Record<TradeField, readonly string[]>> = {
  externalId: [
    'External ID',
    'Execution ID',
    'Exec ID',
    'IBExecID',
    'Trade ID',
    'Transaction ID',
    'Fill ID',
    'Deal ID',
    'Reference',
    'ID',
  ],
  symbol: ['Symbol', 'Ticker', 'Ticker Symbol', 'Instrument', 'Security', 'Asset', 'ISIN', 'Market'],
  side: [
    'Side',
    'Buy/Sell',
    'B/S',
    'Action',
    'Direction',
    'Trans Code',
    'Transaction Type',
    'Trade Type',
    'Type',
    'Activity Type',
  ],
  quantity: [
    'Quantity',
    'Qty',
    'Filled Qty',
    'Filled Quantity',
    'Exec Qty',
    'Shares',
    'No. of shares',
    'Units',
    'Volume',
  ],
  price: [
    'Price',
    'Trade Price',
    'T. Price',
    'Exec Price',
    'Fill Price',
    'Filled Avg Price',
    'Average Price',
    'Avg Price',
    'Price ($)',
    'Price per share',
    'Price / share',
    'Share Price',
    'Unit Price',
  ],
  fee: [
    'Fee',
    'Fees',
    'Fees & Comm',
    'Commission',
    'IBCommission',
    'Comm/Fee',
    'Commission ($)',
    'Fees ($)',
    'Commissions',
  ],
  occurredAt: [
    'Occurred At',
    'Date/Time',
    'DateTime',
    'Transaction Time',
    'Execution Time',
    'Exec Time',
    'Filled At',
    'Timestamp',
    'Trade Date',
    'Date',
    'Run Date',
    'Activity Date',
    'Transaction Date',
    'Time',
  ],
  time: ['Time', 'Trade Time'],
  currency: ['Currency', 'CurrencyPrimary', 'Trade Currency', 'Currency (Price / share)', 'Ccy'],
};

/** Finds the columns of a header line by the names given, else by the usual ones; undefined where one is lacking. */
export function findColumns(header: readonly string[], given: ColumnNames = {}): ColumnPlaces | undefined {
  const places = placesOf(header, given);
  return required.every((field) => places[field] !== undefined) ? places : undefined;
}

/** Says which columns are lacking, for whoever can map them. */
export function columnsMissing(header: readonly string[], given: ColumnNames = {}): UnreadableFileError {
  const places = placesOf(header, given);
  const lacking = required.filter((field) => places[field] === undefined);
  const shown = header.slice(0, 20).map((name) => `"${name.slice(0, 40)}"`);
  return new UnreadableFileError(
    'header_unrecognised',
    `No column was found for ${lacking.join(', ')}; name it in "columns". The header line has ${shown.join(', ')}.`,
  );
}

function placesOf(header: readonly string[], given: ColumnNames): ColumnPlaces {
  const byKey = new Map<string, number>();
  header.forEach((name, index) => {
    const key = columnKey(name.trim(), 'loose');
    if (key !== '' && !byKey.has(key)) byKey.set(key, index);
  });
  const places: { [Field in TradeField]?: number } = {};
  const taken = new Set<number>();
  const find = (names: readonly string[]) =>
    names.map((name) => byKey.get(columnKey(name, 'loose'))).find((at) => at !== undefined && !taken.has(at));
  // What was named is taken first, so that no guess gets it.
  const named = tradeFields.filter((field) => given[field] !== undefined);
  for (const field of [...named, ...tradeFields.filter((one) => !named.includes(one))]) {
    const at = find(given[field] === undefined ? usualNames[field] : [given[field]]);
    if (at === undefined) continue;
    places[field] = at;
    taken.add(at);
  }
  return places;
}
