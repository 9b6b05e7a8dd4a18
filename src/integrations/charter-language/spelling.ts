// Words that dates and numbers hang on, and which no other word is one letter away from.
const known =
  'tomorrow tonight morning afternoon evening monday tuesday wednesday thursday friday saturday sunday january february september october november december passenger passengers returning people'.split(
    ' ',
  );

/** Corrects a single typing error in the words that dates and numbers hang on. */
export function withKnownWords(text: string): string {
  return text.replaceAll(/\p{L}{6,12}/gu, (word) => {
    const lower = word.toLowerCase();
    if (known.includes(lower)) return word;
    return known.find((one) => one[0] === lower[0] && isOneError(one, lower)) ?? word;
  });
}

/** Whether one letter more, less or other, or two swapped, is all the difference. */
function isOneError(right: string, written: string): boolean {
  const difference = written.length - right.length;
  if (Math.abs(difference) > 1) return false;
  let at = 0;
  while (at < right.length && right[at] === written[at]) at += 1;
  if (difference === 1) return right.slice(at) === written.slice(at + 1);
  if (difference === -1) return right.slice(at + 1) === written.slice(at);
  const isOther = right.slice(at + 1) === written.slice(at + 1);
  const isSwapped =
    right[at] === written[at + 1] &&
    right[at + 1] === written[at] &&
    right.slice(at + 2) === written.slice(at + 2);
  return isOther || isSwapped;
}
