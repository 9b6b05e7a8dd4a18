const ones =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const tens = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const ordinals =
  'zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth'.split(
    ' ',
  );

/** A pattern of numbers in digits or words, up to 999, without a group of its own. */
export const NUMBER = `(?:\\d{1,3}|(?:${tens.join('|')})(?:[- ](?:${ones.slice(1, 10).join('|')}))?|${ones.slice(1).toReversed().join('|')}|a couple of|a|an)`;

/** The value of what {@link NUMBER} matches; undefined for anything else. */
export function numberOf(text: string): number | undefined {
  const word = text.toLowerCase();
  if (/^\d{1,6}$/.test(word)) return Number(word);
  if (word === 'a' || word === 'an') return 1;
  if (word === 'a couple of') return 2;
  const one = ones.indexOf(word);
  if (one !== -1) return one;
  const [ten = '', unit] = word.split(/[- ]/);
  const of = tens.indexOf(ten);
  if (of === -1) return undefined;
  return (of + 2) * 10 + (unit === undefined ? 0 : Math.max(0, ones.indexOf(unit)));
}

/** The value of an ordinal in words, `first` to `twentieth`. */
export function ordinalOf(word: string): number | undefined {
  const at = ordinals.indexOf(word.toLowerCase());
  return at > 0 ? at : undefined;
}

export const ORDINAL_WORD = `(?:${ordinals.slice(1).toReversed().join('|')})`;
