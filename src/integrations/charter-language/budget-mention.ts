import type { CharterBudget } from './charter-request';
import type { MessageText } from './message-text';
import { NUMBER, numberOf } from './number-words';
import { phrase } from './phrase-pattern';

const codes =
  'USD EUR GBP CHF AUD CAD NZD AED SAR QAR KWD BHD OMR INR ZAR JPY CNY SGD HKD SEK NOK DKK PLN CZK HUF TRY MXN BRL ILS THB'.split(
    ' ',
  );
const symbols: Readonly<Record<string, string>> = {
  $: 'USD',
  us$: 'USD',
  au$: 'AUD',
  a$: 'AUD',
  ca$: 'CAD',
  c$: 'CAD',
  nz$: 'NZD',
  hk$: 'HKD',
  s$: 'SGD',
  '€': 'EUR',
  '£': 'GBP',
  dollars: 'USD',
  dollar: 'USD',
  bucks: 'USD',
  euros: 'EUR',
  euro: 'EUR',
  pounds: 'GBP',
  sterling: 'GBP',
  quid: 'GBP',
  francs: 'CHF',
  rand: 'ZAR',
  dirhams: 'AED',
  rupees: 'INR',
};
const CURRENCY = `(?:(?:us|au|a|ca|c|nz|hk|s)?\\$|[€£]|\\b(?:${codes.join('|')}|dollars?|bucks|euros?|pounds|sterling|quid|francs|rand|dirhams|rupees)\\b)`;
const AMOUNT = `(\\d{1,3}(?:[.,' ]\\d{3}){1,3}|\\d{1,9}(?:[.,]\\d{1,2})?)`;
const SUFFIX = `(?: ?(k|m|mio|grand|thousand|million)\\b)?`;
const FACTORS: Readonly<Record<string, number>> = {
  k: 1e3,
  grand: 1e3,
  thousand: 1e3,
  m: 1e6,
  mio: 1e6,
  million: 1e6,
};

const before = phrase(`(${CURRENCY}) ?(?:budget ?(?:of|is|:)? ?)?${AMOUNT}${SUFFIX}`, 'giu');
const after = phrase(`(?<![\\d.,])${AMOUNT}${SUFFIX} ?(${CURRENCY})`, 'giu');
const inWords = phrase(`\\b(${NUMBER}) (hundred )?(thousand|grand|million)\\b(?: (${CURRENCY}))?`, 'giu');
const bare = phrase(`(?<![\\d.,/:-])${AMOUNT} ?(k|grand|thousand)\\b`, 'giu');
const inContext = phrase(
  `\\b(?:budget|max(?:imum)?|expect|spend|pay|price|under|below|up to|less than|not more than)\\b[^\\d\\n.;]{0,25}${AMOUNT}(?![\\d:/])`,
  'giu',
);
const perPerson =
  /^[ .,]{0,2}(?:each\b|apiece\b|p\.?p\b|per (?:person|head|pax|passenger|seat|capita|guest|traveller)|an? (?:head|person|seat)\b|\/ ?(?:person|pax|head|pp)|(?:max )?p\/p)/i;
const MOST = 1_000_000_000;
// Nobody charters an aircraft for less; a smaller number without a currency is something else.
const LEAST_BARE = 1_000;

/** What somebody is ready to pay; `assumedCurrency` where they did not say in which currency. */
export interface BudgetMention {
  readonly budget: CharterBudget;
  readonly assumedCurrency: boolean;
}

/** Takes the first amount of money out of a message; undefined where there is none. */
export function takeBudget(text: MessageText): BudgetMention | undefined {
  for (const match of text.matches(before)) {
    const [, currency = '', amount = '', suffix] = match;
    const found = taken(text, match.span, {
      amount: amountOf(amount, suffix),
      currency: currencyOf(currency),
    });
    if (found !== undefined) return found;
  }
  for (const match of text.matches(after)) {
    const [, amount = '', suffix, currency = ''] = match;
    const found = taken(text, match.span, {
      amount: amountOf(amount, suffix),
      currency: currencyOf(currency),
    });
    if (found !== undefined) return found;
  }
  for (const match of text.matches(inWords)) {
    const [, number = '', hundred, unit = '', currency] = match;
    const amount = (numberOf(number) ?? 0) * (hundred === undefined ? 1 : 100) * FACTORS[unit.toLowerCase()]!;
    const found = taken(text, match.span, {
      amount,
      ...(currency !== undefined && { currency: currencyOf(currency) }),
    });
    if (found !== undefined) return found;
  }
  for (const pattern of [bare, inContext]) {
    for (const match of text.matches(pattern)) {
      const [, amount = '', suffix] = match;
      const value = amountOf(amount, suffix);
      const found = value < LEAST_BARE ? undefined : taken(text, match.span, { amount: value });
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function taken(
  text: MessageText,
  span: { start: number; end: number },
  { amount, currency }: { amount: number; currency?: string },
): BudgetMention | undefined {
  if (!(amount > 0) || amount > MOST) return undefined;
  const rest = text.whole.slice(span.end, span.end + 30);
  const each = perPerson.exec(rest)?.[0];
  text.take({ start: span.start, end: span.end + (each?.length ?? 0) });
  return {
    budget: {
      amount,
      currency: currency ?? onlyCurrencyOf(text.whole) ?? 'USD',
      kind: each === undefined ? 'total' : 'per_person',
    },
    assumedCurrency: currency === undefined && onlyCurrencyOf(text.whole) === undefined,
  };
}

function amountOf(text: string, suffix: string | undefined): number {
  const digits = /[.,' ]\d{3}(?!\d)/.test(text) ? text.replaceAll(/[.,' ]/g, '') : text.replace(',', '.');
  return Math.round(Number(digits) * (FACTORS[suffix?.toLowerCase() ?? ''] ?? 1) * 100) / 100;
}

function currencyOf(text: string): string {
  return symbols[text.toLowerCase()] ?? text.toUpperCase();
}

/** The currency that a message names somewhere, where it names a single one. */
function onlyCurrencyOf(whole: string): string | undefined {
  const named = new Set(
    [...whole.matchAll(phrase(`\\b(?:${codes.join('|')})\\b`, 'g'))].map(([code]) => code),
  );
  return named.size === 1 ? [...named][0] : undefined;
}
