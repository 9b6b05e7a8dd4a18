import type { ActivityKind, BrokerActivity, BrokerPosition } from './broker-activity';
import { decimalAmount, magnitudeOf, negated } from './decimal-amount';

// https://docs.alpaca.markets/us/docs/account-activities: of all other types `qty` is what a payment is about, such as
// the shares that a dividend is paid for, and moves nothing.
const splits = new Set(['SPLIT', 'SSP']);
const transfers = new Set([
  'ACATS',
  'JNLS',
  'MA',
  'NC',
  'OPASN',
  'OPEXC',
  'OPEXP',
  'OPTRD',
  'OPXRC',
  'REORG',
  'SC',
  'SSO',
]);
const MAX_ID_CHARACTERS = 200;
const symbolShape = /^[\x21-\x7e]{1,50}$/;
const typeShape = /^[A-Z]{1,20}$/;
const currencyShape = /^[A-Z]{3,10}$/;
// PostgreSQL and JavaScript both write these years alike.
const EARLIEST = Date.UTC(1970, 0, 1);
const LATEST = Date.UTC(2200, 0, 1);

type Fields = Readonly<Record<string, unknown>>;

/** The id of a record, which is also the token of the page after it; undefined for what has none. */
export function alpacaId(record: unknown): string | undefined {
  const id = fieldsOf(record)['id'];
  if (typeof id !== 'string' || id.length > MAX_ID_CHARACTERS) return undefined;
  return /^[\x21-\x7e]+$/.test(id) ? id : undefined;
}

/** A record of `/v2/account/activities`; undefined for one that cannot be read. */
export function alpacaActivity(record: unknown): BrokerActivity | undefined {
  const fields = fieldsOf(record);
  const externalId = alpacaId(record);
  const type = fields['activity_type'];
  if (externalId === undefined || typeof type !== 'string' || !typeShape.test(type)) return undefined;
  const at = momentOf(fields['transaction_time'] ?? fields['date'] ?? fields['created_at']);
  if (at === undefined) return undefined;
  const base = { externalId, type, occurredAt: at };
  return type === 'FILL' ? trade(base, fields) : otherActivity(base, fields);
}

/** A record of `/v2/positions`; undefined for one that cannot be read. */
export function alpacaPosition(record: unknown): BrokerPosition | undefined {
  const { symbol, qty, side } = fieldsOf(record);
  const quantity = decimalAmount(qty);
  if (quantity === undefined || !isSymbol(symbol)) return undefined;
  // Documents show the quantity of a short position with and without its sign.
  return { symbol, quantity: side === 'short' ? negated(magnitudeOf(quantity)) : quantity };
}

type Base = Pick<BrokerActivity, 'externalId' | 'type' | 'occurredAt'>;

function trade(base: Base, { symbol, side, qty, price }: Fields): BrokerActivity | undefined {
  const quantity = decimalAmount(qty);
  const paid = decimalAmount(price);
  if (!isSymbol(symbol) || quantity === undefined || quantity === '0' || paid === undefined) return undefined;
  const isSale = side === 'sell' || side === 'sell_short';
  if (!isSale && side !== 'buy') return undefined;
  const magnitude = magnitudeOf(quantity);
  return {
    ...base,
    kind: 'trade',
    symbol,
    side: isSale ? 'sell' : 'buy',
    quantity: isSale ? negated(magnitude) : magnitude,
    price: paid,
  };
}

function otherActivity(base: Base, fields: Fields): BrokerActivity | undefined {
  const { symbol, qty, net_amount: net, price, currency } = fields;
  if (symbol != null && symbol !== '' && !isSymbol(symbol)) return undefined;
  const moved = isSymbol(symbol) ? decimalAmount(qty) : undefined;
  const cash = decimalAmount(net);
  const kind = kindOf(base.type);
  const hasMoved = kind !== 'cash' && moved !== undefined;
  const paid = hasMoved ? decimalAmount(price) : undefined;
  return {
    ...base,
    kind: hasMoved ? kind : 'cash',
    ...(isSymbol(symbol) && { symbol }),
    ...(hasMoved && { quantity: moved }),
    ...(paid !== undefined && { price: paid }),
    ...(cash !== undefined && { cash }),
    ...(typeof currency === 'string' && currencyShape.test(currency) && { currency }),
  };
}

function kindOf(type: string): ActivityKind {
  if (splits.has(type)) return 'split';
  return transfers.has(type) ? 'transfer' : 'cash';
}

function isSymbol(value: unknown): value is string {
  return typeof value === 'string' && symbolShape.test(value);
}

function momentOf(value: unknown): Date | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}(T[\d:.]{5,18}(Z|[+-]\d{2}:?\d{2})?)?$/.test(value))
    return undefined;
  const at = new Date(value);
  return at.getTime() >= EARLIEST && at.getTime() < LATEST ? at : undefined;
}

function fieldsOf(record: unknown): Fields {
  return typeof record === 'object' && record !== null ? (record as Fields) : {};
}
