import { createReadStream } from 'node:fs';
import { ofxTokens, OfxUnreadableError } from './ofx-tokens';

/** One transaction of an investment statement: its element, and the values in it by their tags. */
export interface OfxTransaction {
  /** Such as `BUYSTOCK`, `SELLSTOCK`, `INCOME` or `SPLIT`. */
  readonly type: string;
  readonly account: string;
  readonly currency: string | undefined;
  readonly values: ReadonlyMap<string, string>;
}

export const ofxTransactionTypes: ReadonlySet<string> = new Set([
  'BUYDEBT',
  'BUYMF',
  'BUYOPT',
  'BUYOTHER',
  'BUYSTOCK',
  'CLOSUREOPT',
  'INCOME',
  'INVBANKTRAN',
  'INVEXPENSE',
  'JRNLFUND',
  'JRNLSEC',
  'MARGININTEREST',
  'REINVEST',
  'RETOFCAP',
  'SELLDEBT',
  'SELLMF',
  'SELLOPT',
  'SELLOTHER',
  'SELLSTOCK',
  'SPLIT',
  'TRANSFER',
]);
const MAX_SECURITIES = 100_000;
const MAX_VALUES = 100;

/** The symbols of a file's securities by their ids. Throws {@link OfxUnreadableError}. */
export async function ofxSymbols(path: string, signal: AbortSignal): Promise<Map<string, string>> {
  const symbols = new Map<string, string>();
  let isWithin = false;
  let id: string | undefined;
  for await (const { tag, isEnd, text } of ofxTokens(createReadStream(path, { signal }))) {
    if (tag === 'SECINFO') {
      isWithin = !isEnd;
      id = undefined;
    } else if (isWithin && tag === 'UNIQUEID' && text !== '') {
      id = text;
    } else if (isWithin && tag === 'TICKER' && text !== '' && id !== undefined) {
      if (symbols.size >= MAX_SECURITIES) throw new OfxUnreadableError('The file lists too many securities.');
      symbols.set(id, text);
    }
  }
  return symbols;
}

/** The transactions of a file's investment accounts, one by one. Throws {@link OfxUnreadableError} for what is no OFX. */
export async function* ofxTransactions(path: string, signal: AbortSignal): AsyncGenerator<OfxTransaction> {
  let account = '';
  let currency: string | undefined;
  let open: { readonly type: string; readonly values: Map<string, string> } | undefined;
  let isOfx = false;
  for await (const { tag, isEnd, text } of ofxTokens(createReadStream(path, { signal }))) {
    isOfx ||= tag === 'OFX';
    if (open !== undefined) {
      if (isEnd && tag === open.type) {
        yield { ...open, account, currency: open.values.get('CURSYM') ?? currency };
        open = undefined;
      } else if (text !== '' && open.values.size < MAX_VALUES && !open.values.has(tag)) {
        open.values.set(tag, text);
      }
    } else if (!isEnd && ofxTransactionTypes.has(tag)) open = { type: tag, values: new Map() };
    else if (tag === 'ACCTID' && text !== '') account = text;
    else if (tag === 'CURDEF' && text !== '') currency = text;
  }
  if (!isOfx) throw new OfxUnreadableError('The file has no element OFX: it is no OFX.');
  if (open !== undefined) throw new OfxUnreadableError('The file ends within a transaction: it is cut off.');
}

const MONTHS = 12;

/** A date of OFX, such as `20240131120000.000[-5:EST]`; without a zone it is UTC. Undefined for what is none. */
export function ofxDate(text: string | undefined): Date | undefined {
  const match =
    /^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?(?:\.(\d{1,3}))?)?\s*(?:\[([+-]?\d{1,2}(?:\.\d{1,2})?)(?::[^\]]{0,40})?\])?$/.exec(
      text ?? '',
    );
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const millisecond = Number((match[7] ?? '').padEnd(3, '0'));
  const offsetHours = Number(match[8] ?? 0);
  if (month! > MONTHS || hour! > 23 || minute! > 59 || second! > 59 || Math.abs(offsetHours) > 14)
    return undefined;
  const date = new Date(Date.UTC(year!, month! - 1, day));
  if (date.getUTCMonth() !== month! - 1 || date.getUTCDate() !== day || year! < 1970) return undefined;
  return new Date(
    Date.UTC(year!, month! - 1, day, hour, minute, second, millisecond) - offsetHours * 3_600_000,
  );
}
