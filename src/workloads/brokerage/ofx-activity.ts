import type { ActivityKind, BrokerActivity } from '../../integrations/broker/broker-activity';
import { decimalAmount, magnitudeOf, negated } from '../../integrations/broker/decimal-amount';
import { ofxDate, type OfxTransaction } from '../../integrations/ofx/ofx-statement';
import { Big } from 'big.js';

const symbolShape = /^[\x21-\x7e](?:[\x20-\x7e]{0,48}[\x21-\x7e])?$/;
const currencyShape = /^[A-Z]{3,10}$/;
const idShape = /^[^\p{Cc}\p{Cs}]{1,150}$/u;

/** A transaction of a statement as an activity; undefined for one that cannot be read. */
export function ofxActivity(
  { type, account, currency, values }: OfxTransaction,
  symbols: ReadonlyMap<string, string>,
): BrokerActivity | undefined {
  const id = values.get('FITID') ?? '';
  const occurredAt = ofxDate(values.get('DTTRADE') ?? values.get('DTPOSTED') ?? values.get('DTSETTLE'));
  const security = values.get('UNIQUEID');
  const symbol = security === undefined ? undefined : (symbols.get(security) ?? security);
  if (!idShape.test(id) || occurredAt === undefined) return undefined;
  if (symbol !== undefined && !symbolShape.test(symbol)) return undefined;
  const cash = amount(values, 'TOTAL') ?? amount(values, 'TRNAMT');
  const fee = feeOf(values);
  const base = {
    externalId: `${account.slice(0, 40)}:${id}`,
    type,
    occurredAt,
    ...(symbol !== undefined && { symbol }),
    ...(cash !== undefined && { cash }),
    ...(fee !== undefined && { fee }),
    ...(currency !== undefined && currencyShape.test(currency) && { currency }),
  };
  const movement = movementOf(type, values);
  if (movement === undefined) return { ...base, kind: 'cash' };
  if (movement === 'unreadable' || symbol === undefined) return undefined;
  const price = movement.kind === 'split' ? undefined : amount(values, 'UNITPRICE');
  if (movement.kind === 'trade' && (price === undefined || price.startsWith('-'))) return undefined;
  const { kind, quantity } = movement;
  return {
    ...base,
    kind,
    quantity,
    ...(kind === 'trade' && { side: quantity.startsWith('-') ? ('sell' as const) : ('buy' as const) }),
    ...(price !== undefined && { price }),
  };
}

interface Moved {
  readonly kind: ActivityKind;
  readonly quantity: string;
}

/** By how much a position changes; undefined for what is about money alone. */
function movementOf(type: string, values: ReadonlyMap<string, string>): Moved | 'unreadable' | undefined {
  if (type === 'SPLIT') return splitOf(values);
  const units = amount(values, 'UNITS');
  if (type.startsWith('BUY') || type === 'REINVEST') return moved('trade', units, false);
  if (type.startsWith('SELL')) return moved('trade', units, true);
  if (type === 'TRANSFER') return moved('transfer', units, values.get('TFERACTION') === 'OUT');
  // An option that was exercised, assigned or has expired leaves the account.
  if (type === 'CLOSUREOPT') return moved('transfer', units, !(units ?? '').startsWith('-'));
  return undefined;
}

function moved(kind: ActivityKind, units: string | undefined, isOut: boolean): Moved | 'unreadable' {
  if (units === undefined || units === '0') return 'unreadable';
  const magnitude = magnitudeOf(units);
  return { kind, quantity: isOut ? negated(magnitude) : magnitude };
}

function splitOf(values: ReadonlyMap<string, string>): Moved | 'unreadable' {
  const [before, after] = [amount(values, 'OLDUNITS'), amount(values, 'NEWUNITS')];
  if (before === undefined || after === undefined) return 'unreadable';
  return { kind: 'split', quantity: Big(after).minus(before).toFixed() };
}

function feeOf(values: ReadonlyMap<string, string>): string | undefined {
  const parts = ['COMMISSION', 'FEES', 'LOAD', 'TAXES'].flatMap((tag) => amount(values, tag) ?? []);
  if (parts.length === 0) return undefined;
  return parts.reduce((sum, part) => sum.plus(magnitudeOf(part)), Big(0)).toFixed();
}

/** Some banks write a comma for the point. */
function amount(values: ReadonlyMap<string, string>, tag: string): string | undefined {
  const text = values.get(tag);
  if (text === undefined) return undefined;
  const plain = text.includes('.') ? text : text.replace(',', '.');
  return decimalAmount(plain.replace(/^([+-]?)\./, '$10.'));
}
