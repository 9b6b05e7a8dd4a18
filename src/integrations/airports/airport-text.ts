const MAX_TEXT_CHARACTERS = 120;

// What Unicode does not take apart into a letter and an accent.
const letters: Readonly<Record<string, string>> = {
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ı: 'i',
};

const shortForms: Readonly<Record<string, string>> = { st: 'saint', ste: 'sainte', ft: 'fort', mt: 'mount' };

const ofAirports = new Set(
  'airport airfield airpark aerodrome aeroport aeropuerto aeroporto flughafen international intl regional municipal executive field'.split(
    ' ',
  ),
);

/** Small letters and digits, single spaces, no accents, `st` and `ft` written out; at most 120 characters read. */
export function plainText(text: string): string {
  return text
    .slice(0, MAX_TEXT_CHARACTERS)
    .toLowerCase()
    .normalize('NFD')
    .replaceAll(/[øłđðþßæœı]/g, (letter) => letters[letter] ?? letter)
    .replaceAll(/[\p{M}'’.]/gu, '')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .replaceAll(/\b(?:ste?|ft|mt)\b/g, (word) => shortForms[word] ?? word);
}

/** Without the words that nearly every airport has in its name; the whole text where nothing else is in it. */
export function bareName(plain: string): string {
  const bare = plain
    .split(' ')
    .filter((word) => !ofAirports.has(word))
    .join(' ');
  return bare === '' ? plain : bare;
}

/**
 * How many letters have to be changed, left out, added or swapped with their neighbour to come from one text to the
 * other, or `most + 1` as soon as it is clear that `most` is not enough.
 */
export function typingErrors(one: string, other: string, most: number): number {
  if (Math.abs(one.length - other.length) > most) return most + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    let best = row;
    for (let column = 1; column <= other.length; column += 1) {
      const same = one[row - 1] === other[column - 1] ? 0 : 1;
      let errors = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + same);
      const isSwapped =
        row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (isSwapped) errors = Math.min(errors, beforeLast[column - 2]! + 1);
      current.push(errors);
      best = Math.min(best, errors);
    }
    if (best > most) return most + 1;
    [beforeLast, last] = [last, current];
  }
  return Math.min(last[other.length]!, most + 1);
}

/** A bit per letter that occurs: texts that differ in more than two bits per error need no closer look. */
export function letterBits(plain: string): number {
  let bits = 0;
  for (let index = 0; index < plain.length; index += 1) {
    const code = plain.charCodeAt(index) - 97;
    if (code >= 0 && code < 26) bits |= 1 << code;
  }
  return bits;
}

export function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
